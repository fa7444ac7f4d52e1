-- A scheduler with an `upstream` awaits the end of each buildset that this one makes; one that is not `enabled` makes
-- none.
ALTER TABLE schedulers ADD COLUMN upstream TEXT;
ALTER TABLE schedulers ADD COLUMN enabled INTEGER NOT NULL DEFAULT 1;

CREATE TABLE awaited_buildsets (
    scheduler TEXT    NOT NULL REFERENCES schedulers (name) ON DELETE CASCADE,
    buildset  INTEGER NOT NULL REFERENCES buildsets (id) ON DELETE CASCADE,
    PRIMARY KEY (scheduler, buildset)
) STRICT, WITHOUT ROWID;
CREATE INDEX awaited_buildsets_back ON awaited_buildsets (buildset);
