/**
 * Characters of signed thinking that one stream holds until its block ends: more than any model writes. What goes over
 * is still sent as `reasoning_content`, but not once more as `reasoning_details`: half a block would not fit its signature.
 */
export const MAX_SIGNED_CHARACTERS = 4 * 1024 * 1024;
