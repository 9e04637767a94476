/**
 * One base64 text of pieces that are each encoded by themselves, as AWS's JSON has blobs: where one of them ends with
 * padding, the texts in a row are none. Pieces without padding in their midst are joined as they are.
 */
export function joinBase64(pieces: readonly string[]): string {
  return pieces.slice(0, -1).some((piece) => piece.endsWith('='))
    ? Buffer.concat(pieces.map((piece) => Buffer.from(piece, 'base64'))).toString('base64')
    : pieces.join('');
}
