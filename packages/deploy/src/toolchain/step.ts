/** Where long work is: told as each of its parts begins. */
export interface Step {
  /** What is done to each part: `compiling`, `verifying for`. */
  readonly what: string;
  /** The part that begins. */
  readonly name: string;
  /** Its number, from 1; where several run at once, that of the last that began. */
  readonly number: number;
  readonly of: number;
}

/** Is told steps. It is called as often as there are parts, and returns at once. */
export type Progress = (step: Step) => void;
