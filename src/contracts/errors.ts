/**
 * Errors that people and programs see. `code` is for programs and never changes its meaning; the
 * message names the thing, the value and the limit. `status` is the HTTP status a door answers with.
 */
export const errorStatus = {
  badInput: 400,
  unauthorised: 401,
  forbidden: 403,
  notFound: 404,
  conflict: 409,
  tooLarge: 413,
  invalid: 422,
  cancelled: 409,
  unavailable: 503,
  timeout: 504,
  internal: 500,
} as const;
export type ErrorCode = keyof typeof errorStatus;
export const errorCodes = Object.keys(errorStatus) as [ErrorCode, ...ErrorCode[]];

export interface ErrorBody {
  readonly code: ErrorCode;
  readonly detail: string;
  /** One line per fault where several things were wrong; at most 100 of them. */
  readonly faults?: readonly string[];
}

export class DreyError extends Error {
  readonly code: ErrorCode;
  readonly faults: readonly string[] | undefined;
  constructor(code: ErrorCode, detail: string, options: { faults?: readonly string[]; cause?: unknown } = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'DreyError';
    this.code = code;
    this.faults = options.faults;
  }
  get body(): ErrorBody {
    return { code: this.code, detail: this.message, ...(this.faults ? { faults: this.faults } : {}) };
  }
  static from(body: ErrorBody): DreyError {
    return new DreyError(body.code, body.detail, body.faults ? { faults: body.faults } : {});
  }
}
