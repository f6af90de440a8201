// What a front end does with the generated types: compiled strictly, never run.
import type { RunMutation, RunMutationVariables, ShareQuery, ThingsQuery } from './__generated__/operations.js';
import type { Ipo, UserErrorCode } from './__generated__/schema.js';

export const variables: RunMutationVariables = {
  input: { ticker: 'IBM', strategy: { buy: { priceBelowSma: 50 }, sell: { not: { priceBelowSma: 200 } } } },
};

// @oneOf: exactly one of the fields.
// @ts-expect-error
export const both: RunMutationVariables['input']['strategy']['buy'] = { priceBelowSma: 50, priceAboveSma: 50 };

export function closes(answer: ShareQuery): number[] {
  return answer.symbol?.series.close ?? [];
}

export function sharpe(answer: RunMutation): number | null {
  return answer.runBacktest?.backtest?.metrics.sharpe ?? null;
}

export function names(answer: ThingsQuery): string[] {
  return answer.nodes.flatMap((node) => (node?.__typename === 'Ipo' ? [node.name] : []));
}

export const price = (ipo: Ipo): string | null | undefined => ipo.issuePrice;
export const code: UserErrorCode = 'NOT_FOUND' as UserErrorCode;
