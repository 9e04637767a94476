// By the file: the package's index loads every validator there is, with validator.js and the telephone numbers of the
// world, which takes more time and memory than all the rest of the router. The files are those that the index names, so
// that a host's ValidationPipe and the router share one copy.
import type { ValidationError, ValidatorOptions } from 'class-validator';
import { IsOptional as isOptional } from 'class-validator/cjs/decorator/common/IsOptional.js';
import { ValidateBy as validateBy } from 'class-validator/cjs/decorator/common/ValidateBy.js';
import { Matches as matches } from 'class-validator/cjs/decorator/string/Matches.js';
import { getMetadataStorage as metadataStorage } from 'class-validator/cjs/metadata/MetadataStorage.js';
import { Validator } from 'class-validator/cjs/validation/Validator.js';

// Typed by the index: what we give away names no such file.
type ClassValidator = typeof import('class-validator');

export const IsOptional: ClassValidator['IsOptional'] = isOptional;
export const Matches: ClassValidator['Matches'] = matches;
export const ValidateBy: ClassValidator['ValidateBy'] = validateBy;
export const getMetadataStorage: ClassValidator['getMetadataStorage'] = metadataStorage;

const validator = new Validator();

/** The problems of an instance's own properties. */
export function validateSync(instance: object, options: ValidatorOptions): ValidationError[] {
  return validator.validateSync(instance, options);
}
