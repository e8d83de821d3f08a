import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Claims, KeyClaims } from '../domain/auth/viewer.ts';
import { networkOf } from '../domain/limits/network.ts';
import type { Context } from '../schema/builder.ts';
import type { Account, Allowance, Budget, Spent } from './budget.ts';
import { costOf } from './cost.ts';
import { tooMuch } from './limits.ts';

export type CostOptions = {
  /** Points that one operation may take at most. */
  costMax: number;
  budget: Budget;
  /** What a caller, all callers of one tenant together, and a network from which nobody is signed in may take. */
  allowances: { caller: Allowance; tenant: Allowance; network: Allowance };
};

/** What an operation cost, as clients read it in `extensions.cost`. */
export type CostReport = { requested: number; available: number; restoreRate: number };

/** Who pays for an operation, and what became of it; made before it runs, read when it is answered. */
export type Bill = { accounts: Account[]; claims: Claims | KeyClaims | null; cost?: CostReport };

export type Charge = {
  /** Whose buckets an operation is paid from: the caller's and its tenant's, or, where nobody is signed in, the network's. */
  accountsOf(claims: Claims | KeyClaims | null, address: string | null): Account[];
  plugin: Plugin<Context & { bill: Bill }>;
};

const provenMax = 10_000;

/** Works out what an operation costs before it runs, refuses what is too dear, and takes the points from whoever asks. */
export function createCharge({ costMax, budget, allowances }: CostOptions): Charge {
  const { caller, tenant, network } = allowances;
  /** Keys that opened something once. Until then a key is only said to be somebody's: it spends nothing of theirs. */
  const proven = new Set<string>();
  const nameOf = (claims: Claims | KeyClaims) =>
    'userId' in claims ? `person ${claims.userId}` : `key ${claims.apiKeyId} ${claims.secretHash.toString('hex')}`;

  return {
    accountsOf(claims, address) {
      const name = claims && nameOf(claims);
      if (!name || ('apiKeyId' in claims && !proven.has(name))) {
        return [{ name: `network ${networkOf(address)}`, allowance: network }];
      }
      return [
        { name: `caller ${claims.tenantId} ${name}`, allowance: caller },
        { name: `tenant ${claims.tenantId}`, allowance: tenant },
      ];
    },
    plugin: {
      onExecute({ args: { schema, document, operationName, variableValues, contextValue } }) {
        const { bill } = contextValue;
        const requested = costOf(schema, document, operationName).points(variableValues ?? {});
        const mayCost = Math.min(costMax, ...bill.accounts.map(({ allowance }) => allowance.capacity));
        const isTooDear = requested > mayCost;
        const settle = ({ isAllowed, available, retryAfter }: Spent) => {
          bill.cost = { requested, available, restoreRate: bill.accounts[0]?.allowance.rate ?? 0 };
          if (isTooDear) throw tooMuch(`The operation costs ${requested} points; at most ${mayCost} are allowed.`);
          if (!isAllowed) throw tooMany(requested, retryAfter);
        };
        const spent = budget.spend(bill.accounts, isTooDear ? 0 : requested); // a refusal says what is left, too
        const remember = {
          onExecuteDone() {
            const { claims } = bill;
            if (!claims || !('apiKeyId' in claims) || contextValue.knownViewer() === null) return;
            if (proven.size >= provenMax) proven.delete(proven.values().next().value ?? '');
            proven.add(nameOf(claims));
          },
        };
        if (spent instanceof Promise) return spent.then((said) => (settle(said), remember));
        settle(spent);
        return remember;
      },
    },
  };
}

function tooMany(requested: number, retryAfter: number): GraphQLError {
  const http = { status: 429, spec: true, headers: { 'retry-after': String(retryAfter) } }; // where the client asks for JSON, it stays a 200
  return new GraphQLError(
    `The operation costs ${requested} points, and there are not so many left: wait ${retryAfter} s.`,
    { extensions: { code: 'RATE_LIMITED', retryAfter, http } },
  );
}
