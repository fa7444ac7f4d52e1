-- Whole numbers for what is known by its name (builders, workers, schedulers), as Buildbot's API has them.
CREATE TABLE name_ids (
    kind TEXT   NOT NULL,
    name TEXT   NOT NULL,
    id   BIGINT NOT NULL,
    PRIMARY KEY (kind, name),
    UNIQUE (kind, id)
);
