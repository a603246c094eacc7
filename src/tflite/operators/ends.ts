/** Where a slice ends that takes all that is left; negative, of one that goes backwards. */
export const TO_THE_END: number = 2 ** 31 - 1;
