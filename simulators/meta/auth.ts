import type { Call } from './call.ts';
import { refuseGraph, type Refusal, unknownNode } from './errors.ts';
import { now, type Token, type Waba, type World } from './world.ts';

export type Caller = { kind: 'token'; token: Token } | { kind: 'app' };

/** Who asks, by bearer or `access_token` (reference: whatsapp-cloud-api, section 1.2). */
export function authenticate(world: World, call: Call): Caller | Refusal {
  const header = call.headers.authorization;
  const given = header === undefined ? call.params['access_token'] : header.replace(/^(Bearer|OAuth)\s*/i, '');
  if (typeof given !== 'string' || given === '')
    return refuseGraph(200, '(#200) Provide a valid access token to call this API.', { status: 403 });
  if (given === `${world.app.id}|${world.app.secret}`) return { kind: 'app' };
  const token = world.tokens.get(given);
  if (!token) return refuseGraph(190, 'Invalid OAuth access token - Cannot parse access token');
  const problem = tokenProblem(world, token);
  if (problem) return refuseGraph(190, problem.message, { subcode: problem.subcode });
  const proof = call.params['appsecret_proof'];
  if (proof === undefined ? world.settings.tokens.requireProof : proof !== token.proof)
    return refuseGraph(
      100,
      proof === undefined
        ? 'API calls from the server require an appsecret_proof argument'
        : 'Invalid appsecret_proof provided in the API argument',
      { type: 'GraphMethodException' },
    );
  return { kind: 'token', token };
}

export function tokenProblem(world: World, token: Token): { message: string; subcode: number } | undefined {
  if (token.state === 'app-removed')
    return { message: 'Error validating access token: The user has not authorized the application.', subcode: 458 };
  if (token.state === 'revoked')
    return { message: 'Error validating access token: The session has been invalidated.', subcode: 467 };
  if (token.state === 'expired' || (token.expiresAt > 0 && token.expiresAt <= now(world)))
    return { message: 'Error validating access token: Session has expired.', subcode: 463 };
  return undefined;
}

/** May this caller touch this account? Another's looks as if it were not there. */
export function mayTouch(
  caller: Caller,
  waba: Waba,
  scope: 'whatsapp_business_messaging' | 'whatsapp_business_management',
  call: Call,
): Refusal | undefined {
  const id = call.segments[0] ?? '';
  if (caller.kind === 'app') return refuseGraph(10, '(#10) Application does not have permission for this action');
  const { token } = caller;
  if (!token.wabas.has(waba.id))
    return token.wasRemoved
      ? refuseGraph(10, '(#10) Application does not have permission for this action')
      : unknownNode(call.method, id);
  if (!token.scopes.includes(scope))
    return refuseGraph(200, `(#200) You do not have the necessary permission: ${scope}`);
  return undefined;
}
