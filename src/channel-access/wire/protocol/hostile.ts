/** What arrived is not Channel Access as agreed: the circuit it came on is closed with this reason. */
export class HostileBytes extends Error {
  override name = 'HostileBytes';
}
