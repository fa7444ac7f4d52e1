-- What a step links to, as JSON; and since when it has its locks: with `started_at` that is how long it waited.
ALTER TABLE steps ADD COLUMN links TEXT NOT NULL DEFAULT '[]';
ALTER TABLE steps ADD COLUMN locks_acquired_at BIGINT;
