import { type ErrorCode, type ErrorFields, GatewayError } from "#model/errors.ts";

const codeOfErrno: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: "buffer.disk-full",
  EDQUOT: "buffer.disk-full",
  EFBIG: "buffer.disk-full",
  EACCES: "buffer.denied",
  EPERM: "buffer.denied",
  EROFS: "buffer.denied",
  SQLITE_FULL: "buffer.disk-full",
  SQLITE_READONLY: "buffer.denied",
  SQLITE_PERM: "buffer.denied",
  SQLITE_BUSY: "buffer.busy",
  SQLITE_LOCKED: "buffer.busy",
  SQLITE_CORRUPT: "buffer.corrupt",
  SQLITE_NOTADB: "buffer.corrupt",
  // All our SQL is constant: an error in it is a schema that is not what we made.
  SQLITE_ERROR: "buffer.corrupt",
};

/** Turns what node:fs or SQLite throws into a GatewayError; anything else is a bug and comes back unchanged. */
export function toStoreError(error: unknown, fields: ErrorFields): unknown {
  if (!(error instanceof Error) || error instanceof GatewayError) return error;
  const errno = "code" in error && typeof error.code === "string" ? error.code : undefined;
  if (errno === undefined || errno.startsWith("ERR_")) return error;
  const primary = errno.startsWith("SQLITE_") ? errno.split("_").slice(0, 2).join("_") : errno;
  const code = codeOfErrno[primary] ?? "buffer.io";
  const file = typeof fields.file === "string" ? fields.file : "the state folder";
  return new GatewayError(code, { message: sentenceOf(code, file, errno), cause: error, fields: { ...fields, errno } });
}

/** What is wrong, where, and what to do about it. */
function sentenceOf(code: ErrorCode, file: string, errno: string): string {
  switch (code) {
    case "buffer.disk-full":
      return `no space is left for ${file} (${errno}): free some on that file system, or give the buffer a smaller budgetBytes`;
    case "buffer.busy":
      return `${file} is in use by another process (${errno}): stop the other gateway, or choose another state folder with --state`;
    case "buffer.denied":
      return `${file} cannot be written (${errno}): check owner and rights, and whether its file system became read-only`;
    case "buffer.corrupt":
      return `${file} is damaged (${errno})`;
    default:
      return `the disk failed at ${file} (${errno}): the file is opened again; if this repeats, replace the card`;
  }
}

/** Runs a library call at the border to the file system or SQLite. */
export function atDisk<T>(fields: ErrorFields, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw toStoreError(error, fields);
  }
}
