/** Who holds it may change the environment of the process, from which libca takes the settings of a context: one for all clients. */
export const environmentGate = new SharedArrayBuffer(4);
