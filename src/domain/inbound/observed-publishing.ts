// Publishing that reports to an observer which gateway client has submitted an SMS, and recognises the SMS of
// reliability tests before they are refused as ordinary ones. Used by the composition root.

import { mapMaybe } from '../../lib/maybe-promise.ts';
import type { ClientObserver } from './ports.ts';
import type { Publishing } from './publishing.ts';
import type { RecordRefusal } from './refusals.ts';
import { smsId } from './sms-id.ts';

export function observePublishing(
  publishing: Publishing,
  observer: ClientObserver,
  recordRefusal: RecordRefusal,
): Publishing {
  const receiveOther: Publishing['receive'] = async (sms, context, origin = {}) => {
    const received = await publishing.receive(sms, context, origin);
    if (received.reply !== 'refused') observer.delivered(origin, context);
    return received;
  };
  return {
    ...publishing,
    receive: async (sms, context, origin = {}) => {
      const { msisdn, text } = sms;
      const recognised = observer.recognise({ ...origin, msisdn, text }, context);
      return mapMaybe(recognised, (reply) => {
        if (reply === undefined) return receiveOther(sms, context, origin);
        const id = smsId(msisdn, text);
        if (reply === 'refused') recordRefusal(id, sms, 'test', context.log);
        return { id, reply };
      });
    },
  };
}
