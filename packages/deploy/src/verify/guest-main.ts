/** The program of a guest, bundled to one file with all that it imports. */
import { answerTask } from './guest';

answerTask();
