import type { DeviceAnswer, RunCard } from '../live/frame.js';
import { byId, element } from './dom.js';
import { count, millis, percent, size, words } from './format.js';

const BAD = new Set(['refused', 'dropped', 'rejected', 'late']);

type Step = DeviceAnswer['flights'][number]['steps'][number];

/** Budgets that are nearly untouched are not listed one by one. */
const leftText = (left: NonNullable<Step['left']>): string => {
  const used = Object.entries(left).filter(([, share]) => share < 0.995);
  return used.length === 0
    ? 'budgets all but untouched'
    : `left: ${used.map(([name, share]) => `${words(name)} ${percent(share)}`).join(', ')}`;
};

const stepText = ({ step, millis: at, bytes, took, reason, virtual, left }: Step): string =>
  [
    `${step}${step === 'sampled' ? '' : ` after ${millis(at)}`}`,
    bytes === undefined ? '' : size(bytes),
    took === undefined ? '' : `in ${millis(took)}`,
    reason ?? '',
    virtual === undefined ? '' : `virtual ${virtual.toFixed(1)} s`,
    left === undefined ? '' : leftText(left),
  ]
    .filter((part) => part !== '')
    .join(' · ');

const timeline = ({ device, flights }: DeviceAnswer): HTMLElement => {
  const title = element(
    'h3',
    {},
    `Device ${count(device)}: ${flights.length === 0 ? 'not sampled yet' : `its last ${flights.length === 1 ? 'round' : `${flights.length} rounds`}`}`,
  );
  const rounds = flights
    .toReversed()
    .map(({ round, steps }) =>
      element(
        'li',
        {},
        element('strong', {}, `Round ${count(round)}`),
        element(
          'ol',
          { class: 'steps' },
          ...steps.map((step) => element('li', BAD.has(step.step) ? { 'data-bad': '' } : {}, stepText(step))),
        ),
      ),
    );
  return element('div', {}, title, element('ol', { class: 'flight' }, ...rounds));
};

const unknown = ({ device }: DeviceAnswer, run: RunCard | undefined): HTMLElement => {
  const why =
    device >= (run?.devices ?? 0)
      ? `there is no such device: ids go from 0 to ${count((run?.devices ?? 1) - 1)}`
      : 'it is not among the recorded devices';
  return element('p', {}, `Device ${count(device)}: ${why}.`);
};

/** The form that finds a device and shows its flights. */
export const startDevice = (): { readonly show: (run: RunCard) => void } => {
  const input = byId<HTMLInputElement>('device');
  const out = byId('flight');
  // It scrolls: by keyboard, too.
  out.tabIndex = 0;
  out.role = 'region';
  out.ariaLabel = 'Record of the device';
  let run: RunCard | undefined;
  let latest = 0;

  const find = async (): Promise<void> => {
    const request = ++latest;
    let content: HTMLElement;
    try {
      const response = await fetch(`device?id=${encodeURIComponent(input.value.trim())}`);
      if (response.ok) {
        const answer = (await response.json()) as DeviceAnswer;
        content = answer.recorded ? timeline(answer) : unknown(answer, run);
      } else content = element('p', {}, (await response.text()).trim());
    } catch {
      content = element(
        'p',
        {},
        'The run does not answer: it has ended, or there is no connection. metafleet device prints the record from its folder.',
      );
    }
    // Answers may come in another order than their requests.
    if (request === latest) out.replaceChildren(content);
  };
  byId('find').addEventListener('submit', (event) => {
    event.preventDefault();
    void find();
  });

  return {
    show: (card) => {
      if (card === run) return;
      run = card;
      const examples = card.examples.map((device) => {
        const button = element('button', { type: 'button', class: 'link' }, String(device));
        button.addEventListener('click', () => {
          input.value = String(device);
          void find();
        });
        return button;
      });
      byId('examples').replaceChildren(
        ...(card.recorded === 0
          ? ['This run records no devices (recorder.share).']
          : [`${count(card.recorded)} devices are recorded, such as `, ...examples]),
      );
    },
  };
};
