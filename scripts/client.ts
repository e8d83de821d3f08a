/** A client as a front end would be one: operations over HTTP with a bearer token. */
export type Client = {
  run<Data>(query: string, variables?: Record<string, unknown>): Promise<Data>;
  as(accessToken: string): Client;
};

export function createClient(apiUrl: string, accessToken?: string): Client {
  return {
    as: (token) => createClient(apiUrl, token),
    async run<Data>(query: string, variables: Record<string, unknown> = {}): Promise<Data> {
      const headers = {
        'content-type': 'application/json',
        ...(accessToken ? { authorization: `Bearer ${accessToken}` } : {}),
      };
      const answer = await fetch(`${apiUrl}/graphql`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ query, variables }),
      });
      const { data, errors } = (await answer.json()) as { data?: Data; errors?: { message: string }[] };
      if (errors || !data)
        throw new Error(`The API answered ${answer.status}: ${errors?.map(({ message }) => message).join(' ')}`);
      const refused = Object.values(data).find((field) => isRefusal(field));
      if (refused) throw new Error(`The API refused: ${(refused as { message: string }).message}`);
      return data;
    },
  };
}

function isRefusal(field: unknown): boolean {
  return (
    typeof field === 'object' && field !== null && '__typename' in field && String(field.__typename).endsWith('Error')
  );
}
