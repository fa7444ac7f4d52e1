-- How long each step of a builder takes, in microseconds, learned from its builds that went well.
CREATE TABLE expectations (
    builder TEXT    NOT NULL,
    step    TEXT    NOT NULL,
    took_us INTEGER NOT NULL,
    PRIMARY KEY (builder, step)
) STRICT, WITHOUT ROWID;
