-- Several masters may have, and may be connected to, the same worker. Why a worker is paused, and the environment
-- that it told of.
CREATE TABLE connected_workers (
    worker TEXT   NOT NULL,
    master BIGINT NOT NULL REFERENCES masters (id),
    PRIMARY KEY (worker, master)
);
INSERT INTO connected_workers (worker, master)
    SELECT name, connected_to FROM workers WHERE connected_to IS NOT NULL;

CREATE TABLE configured_workers (
    master  BIGINT NOT NULL REFERENCES masters (id),
    worker  TEXT   NOT NULL,
    builder TEXT   NOT NULL,
    PRIMARY KEY (master, worker, builder)
);

ALTER TABLE workers ADD COLUMN environ TEXT NOT NULL DEFAULT '{}';
ALTER TABLE workers ALTER COLUMN environ DROP DEFAULT;
ALTER TABLE workers ADD COLUMN pause_reason TEXT;
ALTER TABLE workers DROP COLUMN connected_to;
