import { describe, expect, test } from 'vitest';
import { BeaconWatch } from './beacon-watch.ts';
import { readRepeaterDatagram, withSendersAddress } from './beacon-messages.ts';

const server = { host: '10.0.0.7', port: 5064 };

function watching(periodMs = 15_000): { watch: BeaconWatch; news: string[] } {
  const news: string[] = [];
  return { news, watch: new BeaconWatch(periodMs, (ioc, what) => news.push(`${what} ${ioc}`)) };
}

describe('A watch on beacons', () => {
  test('takes the first beacon of a server as new and says no more while they count up', () => {
    const { watch, news } = watching();
    [0, 20, 60, 140, 15_140, 30_140].forEach((ms, id) => watch.heard({ ...server, id }, ms));
    watch.sweep(40_000);
    expect(news).toEqual(['new 10.0.0.7:5064']);
  });

  test('takes a number that falls back as a restart, but not the same beacon by a second way', () => {
    const { watch, news } = watching();
    watch.heard({ ...server, id: 500 }, 0);
    watch.heard({ ...server, id: 501 }, 15_000);
    watch.heard({ ...server, id: 501 }, 15_001);
    watch.heard({ ...server, id: 500 }, 15_002);
    expect(news.length).toBe(1);
    watch.heard({ ...server, id: 0 }, 17_000);
    expect(news.at(-1)).toBe('restarted 10.0.0.7:5064');
    watch.heard({ ...server, id: 1 }, 17_020);
    watch.heard({ ...server, id: 0 }, 19_000);
    expect(news.length).toBe(3);
    expect(news.at(-1)).toBe('restarted 10.0.0.7:5064');
  });

  test('takes the first number of all, come again, as a restart', () => {
    const { watch, news } = watching();
    watch.heard({ ...server, id: 0 }, 0);
    watch.heard({ ...server, id: 0 }, 900);
    expect(news).toEqual(['new 10.0.0.7:5064', 'restarted 10.0.0.7:5064']);
  });

  test('counts on past the largest number', () => {
    const { watch, news } = watching();
    watch.heard({ ...server, id: 0xffff_ffff }, 0);
    watch.heard({ ...server, id: 0 }, 15_000);
    expect(news.length).toBe(1);
  });

  test('misses a server after more than two periods, once, and takes its return as new', () => {
    const { watch, news } = watching();
    watch.heard({ ...server, id: 1 }, 0);
    watch.sweep(30_000);
    expect(news.length).toBe(1);
    watch.sweep(33_001);
    watch.sweep(60_000);
    expect(news.slice(1)).toEqual(['missing 10.0.0.7:5064']);
    watch.heard({ ...server, id: 2 }, 61_000);
    expect(news.slice(2)).toEqual(['new 10.0.0.7:5064']);
  });

  test('learns the period of a slower server, and forgets a single long pause', () => {
    const { watch, news } = watching();
    watch.heard({ ...server, id: 1 }, 0);
    watch.heard({ ...server, id: 2 }, 30_000);
    watch.sweep(90_000);
    expect(news.length).toBe(1);
    watch.heard({ ...server, id: 3 }, 92_000);
    watch.heard({ ...server, id: 4 }, 107_000);
    watch.sweep(107_000 + 33_100);
    expect(news.at(-1)).toBe('missing 10.0.0.7:5064');
  });

  test('remembers a bounded number of servers', () => {
    const { watch, news } = watching();
    watch.heard({ ...server, id: 9 }, 0);
    for (let n = 0; n < 16_384; n++) watch.heard({ host: `10.1.${n >> 8}.${n & 255}`, port: 5064, id: 1 }, 1);
    watch.heard({ ...server, id: 10 }, 2);
    expect(news.filter((line) => line === 'new 10.0.0.7:5064').length).toBe(2);
  });
});

const beacon = (id: number, address = 0): Buffer => {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16BE(13, 0);
  bytes.writeUInt16BE(13, 4);
  bytes.writeUInt16BE(5070, 6);
  bytes.writeUInt32BE(id, 8);
  bytes.writeUInt32BE(address, 12);
  return bytes;
};

test('A beacon without an address means its sender, also after it was passed on', () => {
  expect(readRepeaterDatagram(beacon(3), '10.9.8.7').beacons).toEqual([{ host: '10.9.8.7', port: 5070, id: 3 }]);
  const both = Buffer.concat([beacon(3), beacon(4, 0xc0a8_0001)]);
  expect(readRepeaterDatagram(withSendersAddress(both, '10.9.8.7'), '127.0.0.1').beacons).toEqual([
    { host: '10.9.8.7', port: 5070, id: 3 }, { host: '192.168.0.1', port: 5070, id: 4 },
  ]);
});
