import {
  attributeNumber,
  attributeText,
  Netlink,
  netlinkAttribute,
  netlinkAttributes,
  netlinkError,
  netlinkMessage,
  netlinkMessages,
} from '../../../packages/loader/src/kernel/netlink-format';
import { readInterface } from '../../../packages/loader/src/kernel/netlink-messages';
import { readFilter } from '../../../packages/loader/src/kernel/traffic-control';
import { anyBytes, inflate, rarely, several } from '../mutate/bytes';
import { changeWord } from '../mutate/words';
import { Broken, type Target } from '../target';

const RTM_NEWLINK = 16;
const RTM_NEWTFILTER = 44;

export const netlink: Target = {
  name: 'netlink',
  what: 'answers of netlink: interfaces with their XDP programs, filters of tc, errors',
  rooms: ['message', 'interface', 'filter', 'error text', 'attributes again'],
  sources: ['netlink-format', 'netlink-messages', 'traffic-control'].map(
    (name) => `packages/loader/src/kernel/${name}.ts`,
  ),
  seeds,
  mutate: rarely(
    1000,
    inflate,
    several((draft) => changeWord(draft, 0, draft.length, true), anyBytes),
  ),
  run(input, past) {
    for (const message of netlinkMessages(input)) {
      past(0);
      if (readInterface(message).length > 0) past(1);
      if (readFilter(message).length > 0) past(2);
      if (netlinkError(message).text !== '') past(3);
      const attributes = [...netlinkAttributes(message.body)];
      for (const [, value] of attributes) {
        attributeNumber(value);
        attributeText(value);
      }
      const again = netlinkMessage(
        message.type,
        message.flags,
        ...attributes.map(([type, value]) => netlinkAttribute(type, value)),
      );
      const [read] = netlinkMessages(again);
      const same = [...netlinkAttributes(read!.body)];
      if (
        same.length !== attributes.length ||
        same.some(
          ([type, value], i) => type !== attributes[i]![0] || Buffer.compare(value, attributes[i]![1]) !== 0,
        )
      )
        throw new Broken('attributes differ once they are written and read again');
      past(4);
    }
  },
};

function seeds(): Uint8Array[] {
  const link = netlinkMessage(
    RTM_NEWLINK,
    2,
    new Uint8Array(16),
    netlinkAttribute(3, 'eth0'),
    netlinkAttribute(43, [
      netlinkAttribute(2, new Uint8Array([1])),
      netlinkAttribute(5, 17),
      netlinkAttribute(6, 18),
    ]),
  );
  const filter = netlinkMessage(
    RTM_NEWTFILTER,
    2,
    new Uint8Array([0, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0xf2, 0xff, 0xff, 0xff, 0, 3, 1, 0]),
    netlinkAttribute(1, 'bpf'),
    netlinkAttribute(2, [
      netlinkAttribute(6, 7),
      netlinkAttribute(7, 'edge_guard'),
      netlinkAttribute(8, 1),
      netlinkAttribute(11, 42),
      netlinkAttribute(10, new Uint8Array(8)),
    ]),
  );
  const refused = netlinkMessage(
    Netlink.ERROR,
    0x200 | 0x100,
    new Uint8Array(Int32Array.of(-22).buffer),
    new Uint8Array(16),
    netlinkAttribute(1, 'Parent Qdisc does not exist'),
  );
  const done = netlinkMessage(Netlink.DONE, 2 | 0x200, new Uint8Array(4), netlinkAttribute(1, 'no'));
  return [link, filter, refused, done, new Uint8Array(Buffer.concat([link, filter, link, done]))];
}
