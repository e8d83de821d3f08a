-- CreateTable
CREATE TABLE "cost_buckets" (
    "key" BYTEA NOT NULL,
    "points" DOUBLE PRECISION NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "cost_buckets_pkey" PRIMARY KEY ("key")
);

-- CreateTable
CREATE TABLE "attempt_counts" (
    "key" BYTEA NOT NULL,
    "count" INTEGER NOT NULL,
    "last_at" TIMESTAMPTZ(3) NOT NULL,
    "next_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "attempt_counts_pkey" PRIMARY KEY ("key")
);

-- CreateTable
CREATE TABLE "known_places" (
    "key" BYTEA NOT NULL,
    "seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "known_places_pkey" PRIMARY KEY ("key")
);

-- Written often, and worth nothing after a crash: then every bucket is full and every delay is over.
ALTER TABLE "cost_buckets" SET UNLOGGED;
ALTER TABLE "attempt_counts" SET UNLOGGED;

ALTER TABLE "attempt_counts" ADD CONSTRAINT "attempt_counts_count_check" CHECK ("count" >= 0);

-- The fleet's own: the application reaches them by the functions below and in no other way.
DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['cost_buckets', 'attempt_counts', 'known_places'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY fleet ON %I TO parley_queue USING (true) WITH CHECK (true)', name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO parley_queue', name);
  END LOOP;
END
$$;

-- Takes points from buckets that fill up with time: what is owed in any case, and of what is wanted as much as there is. In the order of the
-- keys, so that two processes never wait for each other.
CREATE FUNCTION take_points(buckets bytea[], owed float8[], wanted float8[], capacities float8[], rates float8[])
  RETURNS TABLE (bucket bytea, granted float8, remaining float8)
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  DECLARE
    asked record;
    level float8;
  BEGIN
    FOR asked IN
      SELECT a.key, a.owes, a.wants, a.capacity, a.rate FROM unnest(buckets, owed, wanted, capacities, rates) AS a(key, owes, wants, capacity, rate) ORDER BY a.key
    LOOP
      INSERT INTO public.cost_buckets (key, points, at) VALUES (asked.key, asked.capacity, clock_timestamp()) ON CONFLICT DO NOTHING;
      SELECT least(asked.capacity, b.points + asked.rate * extract(epoch FROM clock_timestamp() - b.at)::float8) - asked.owes INTO level
        FROM public.cost_buckets b WHERE b.key = asked.key FOR UPDATE;
      bucket := asked.key;
      granted := greatest(0, least(asked.wants, level));
      remaining := level - granted;
      UPDATE public.cost_buckets b SET points = remaining, at = clock_timestamp() WHERE b.key = asked.key;
      RETURN NEXT;
    END LOOP;
  END
  $$;

-- Counts one more attempt at something sensitive, unless it is too soon: then it answers how long to wait, and counts nothing. At a place where
-- the account was opened before it is counted for account and place together (`own`), so that whoever tries elsewhere cannot lock the owner out.
CREATE FUNCTION begin_attempt(account bytea, own bytea, network bytea, place bytea, account_free int, network_free int, delay interval, account_delay_max interval, network_delay_max interval, forgotten_after interval)
  RETURNS TABLE (wait_seconds float8, is_known boolean)
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  DECLARE
    keys bytea[];
    at timestamptz;
  BEGIN
    is_known := EXISTS (SELECT FROM public.known_places p WHERE p.key = place);
    keys := CASE WHEN is_known THEN ARRAY[own] ELSE array_remove(ARRAY[account, network], NULL) END;
    INSERT INTO public.attempt_counts (key, count, last_at, next_at)
      SELECT k, 0, clock_timestamp(), clock_timestamp() - interval '1 second' FROM unnest(keys) AS k ORDER BY k ON CONFLICT DO NOTHING;
    PERFORM FROM public.attempt_counts a WHERE a.key = ANY (keys) ORDER BY a.key FOR UPDATE;
    at := clock_timestamp(); -- whoever waited for the row is not earlier than the one before
    SELECT greatest(0, max(extract(epoch FROM a.next_at - at)))::float8 INTO wait_seconds FROM public.attempt_counts a WHERE a.key = ANY (keys);
    IF wait_seconds > 0 THEN
      RETURN NEXT;
      RETURN;
    END IF;
    UPDATE public.attempt_counts a SET count = n.count, last_at = at,
      next_at = CASE WHEN n.count < n.free THEN at - interval '1 second' ELSE at + least(n.delay_max, delay * power(2, least(n.count - n.free, 24))) END
      FROM (SELECT c.key, CASE WHEN c.last_at < at - forgotten_after THEN 1 ELSE c.count + 1 END AS count,
          CASE WHEN c.key = network THEN network_free ELSE account_free END AS free,
          CASE WHEN c.key = network THEN network_delay_max ELSE account_delay_max END AS delay_max
        FROM public.attempt_counts c WHERE c.key = ANY (keys)) AS n
     WHERE a.key = n.key;
    RETURN NEXT;
  END
  $$;

-- The attempt succeeded: what was counted for it is taken back, and the place is known from now on. The place comes first, so that all who succeed
-- there do so in turn, and then the counts in the order of their keys, as they are counted: else two would wait for each other.
CREATE FUNCTION end_attempt(account bytea, own bytea, network bytea, place bytea, was_known boolean) RETURNS void
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    IF place IS NOT NULL THEN
      INSERT INTO public.known_places AS p (key) VALUES (place) ON CONFLICT (key) DO UPDATE SET seen_at = now();
    END IF;
    PERFORM FROM public.attempt_counts a WHERE a.key = ANY (CASE WHEN was_known THEN ARRAY[own] ELSE ARRAY[account, network] END) ORDER BY a.key FOR UPDATE;
    DELETE FROM public.attempt_counts a WHERE a.key = CASE WHEN was_known THEN own ELSE account END;
    IF NOT was_known THEN
      UPDATE public.attempt_counts a SET count = a.count - 1, next_at = clock_timestamp() - interval '1 second' WHERE a.key = network AND a.count > 0;
    END IF;
  END
  $$;

-- Buckets that are full again, attempts that are forgotten, and places where nobody has been for half a year.
CREATE FUNCTION purge_limits() RETURNS int
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    WITH b AS (DELETE FROM public.cost_buckets WHERE at < now() - interval '1 hour' RETURNING 1),
      a AS (DELETE FROM public.attempt_counts WHERE last_at < now() - interval '2 days' AND next_at < now() RETURNING 1),
      p AS (DELETE FROM public.known_places WHERE seen_at < now() - interval '180 days' RETURNING 1)
    SELECT ((SELECT count(*) FROM b) + (SELECT count(*) FROM a) + (SELECT count(*) FROM p))::int
  $$;

DO $$
DECLARE
  signature text;
BEGIN
  -- Grants come before the change of owner: afterwards they are no longer ours to give, and Postgres only warns.
  GRANT CREATE ON SCHEMA public TO parley_queue;
  FOREACH signature IN ARRAY ARRAY['take_points(bytea[], float8[], float8[], float8[], float8[])',
    'begin_attempt(bytea, bytea, bytea, bytea, int, int, interval, interval, interval, interval)', 'end_attempt(bytea, bytea, bytea, bytea, boolean)', 'purge_limits()'] LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', signature);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO parley_app', signature);
    EXECUTE format('ALTER FUNCTION %s OWNER TO parley_queue', signature);
  END LOOP;
  REVOKE CREATE ON SCHEMA public FROM parley_queue;
END
$$;
