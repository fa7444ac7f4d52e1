-- Whether the build that triggered a buildset waits for its end.
ALTER TABLE buildsets ADD COLUMN waited_for BIGINT NOT NULL DEFAULT 0;
