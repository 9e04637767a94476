/** The longest key taken: tokens of some clouds are long. */
export const MAX_KEY_LENGTH = 8_192;
/** More keys than anybody has for one provider. */
export const MAX_KEYS = 100;
