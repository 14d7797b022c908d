/** What Node's codes of failed TLS say, where both ends of a connection have to tell people of it. */

const UNTRUSTED: readonly string[] = [
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_SIGNATURE_FAILURE',
];

/** Whether a code says that no authority which is trusted here has signed the other end's certificate. */
export function isUntrusted(code: string): boolean {
  return UNTRUSTED.includes(code);
}
