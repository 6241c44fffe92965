/** Entry of the single binary: mends the virtual file system first, then runs the program that a checkout runs. */
import "./snapshot-files.ts";

void import("../../runtime/main.ts");
