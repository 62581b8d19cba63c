import fc from 'fast-check';
import { expect, test } from 'vitest';
import { setpointsOfRows, SetpointState } from './planned-setpoints.ts';

test('a row has what the catalogue says of its channel, in whatever order the rows come', () => {
  const setpoint = fc.record({ channel: fc.nat(60), readOnly: fc.boolean(), abs: fc.double({ noNaN: true }), rel: fc.double({ noNaN: true }) });
  fc.assert(
    fc.property(fc.uniqueArray(setpoint, { selector: ({ channel }) => channel }), fc.uniqueArray(fc.nat(60)), fc.boolean(), (setpoints, channels, sorted) => {
      setpoints.sort((a, b) => a.channel - b.channel);
      if (sorted) channels.sort((a, b) => a - b);
      const rows = setpointsOfRows(Int32Array.from(channels), {
        channel: Int32Array.from(setpoints, ({ channel }) => channel), readOnly: Uint8Array.from(setpoints, ({ readOnly }) => Number(readOnly)),
        absTolerance: Float64Array.from(setpoints, ({ abs }) => abs), relTolerance: Float64Array.from(setpoints, ({ rel }) => rel),
      });
      channels.forEach((id, row) => {
        const known = setpoints.find(({ channel }) => channel === id);
        expect(rows.state[row]).toBe(known === undefined ? SetpointState.gone : known.readOnly ? SetpointState.readOnly : SetpointState.writable);
        expect([rows.absTolerance[row], rows.relTolerance[row]]).toEqual([known?.abs ?? 0, known?.rel ?? 0]);
      });
    }),
  );
});
