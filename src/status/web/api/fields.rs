//! The resources' fields: their types, and for those that are filtered in the database, their columns (`N-DA-12`).

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A whole number.
    Number,
    /// A moment, in seconds since 1970.
    Time,
    /// Whether something is so; in the database, whether the column is there.
    Flag,
    /// A text.
    Text,
    /// A list, of which `contains` asks for an element.
    List,
    /// A builder by its number; in the database, by its name.
    Builder,
    /// A worker by its number; in the database, by its name.
    Worker,
    /// What is neither filtered nor sorted in the database.
    Other,
}

/// One field.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// Its column, or an expression of columns; empty if there is none.
    pub(super) column: &'static str,
}

/// One type of resource.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) plural: &'static str,
    pub(super) fields: &'static [Field],
}

macro_rules! fields {
    ($($name:ident $kind:ident $($column:literal)?),+ $(,)?) => {
        &[$(Field { name: stringify!($name), kind: Kind::$kind, column: concat!("", $($column)?) }),+]
    };
}

pub(super) static BUILD: Resource = Resource {
    plural: "builds",
    fields: fields![
        buildid Number "builds.id", number Number "number", builderid Builder "builder",
        buildrequestid Number "request", workerid Worker "worker", masterid Number "master",
        started_at Time "(started_at / 1000000)", complete Flag "complete_at",
        complete_at Time "(complete_at / 1000000)", eta Other, locks_duration_s Other, results Number "results",
        state_string Text "state", properties Other,
    ],
};

pub(super) static REQUEST: Resource = Resource {
    plural: "buildrequests",
    fields: fields![
        buildrequestid Number "build_requests.id", buildsetid Number "buildset", builderid Builder "builder",
        priority Number "priority", claimed Flag "claimed_by", claimed_at Time "(claimed_at / 1000000)",
        claimed_by_masterid Number "claimed_by", complete Flag "complete_at", results Number "results",
        submitted_at Time "(submitted_at / 1000000)", complete_at Time "(complete_at / 1000000)",
        waited_for Other, properties Other,
    ],
};

pub(super) static BUILDSET: Resource = Resource {
    plural: "buildsets",
    fields: fields![
        bsid Number "buildsets.id", external_idstring Text "external_id", reason Text "reason",
        rebuilt_buildid Other, submitted_at Time "(submitted_at / 1000000)", complete Flag "complete_at",
        complete_at Time "(complete_at / 1000000)", results Number "results", sourcestamps Other,
        parent_buildid Number "parent_build", parent_relationship Other,
    ],
};

pub(super) static CHANGE: Resource = Resource {
    plural: "changes",
    fields: fields![
        changeid Number "changes.id", parent_changeids Other, author Text "author", committer Text "committer",
        files Other, comments Text "comments", revision Text "revision",
        when_timestamp Time "(happened_at / 1000000)", branch Text "branch", category Text "category",
        revlink Text "revlink", properties Other, repository Text "repository", project Text "project",
        codebase Text "codebase", sourcestamp Other,
    ],
};

pub(super) static BUILDER: Resource = Resource {
    plural: "builders",
    fields: fields![
        builderid Number, name Text, masterids List, description Text, description_format Text,
        description_html Text, projectid Number, tags List,
    ],
};

pub(super) static WORKER: Resource = Resource {
    plural: "workers",
    fields: fields![
        workerid Number, name Text, connected_to Other, configured_on Other, workerinfo Other, paused Flag,
        pause_reason Text, graceful Flag, instance Other,
    ],
};

pub(super) static STEP: Resource = Resource {
    plural: "steps",
    fields: fields![
        stepid Number, number Number, name Text, buildid Number, started_at Time, locks_acquired_at Time,
        complete Flag, complete_at Time, results Number, state_string Text, urls Other, hidden Flag,
    ],
};

pub(super) static LOG: Resource = Resource {
    plural: "logs",
    fields: fields![
        logid Number, name Text, slug Text, stepid Number, complete Flag, num_lines Number, type Text,
    ],
};

pub(super) static SCHEDULER: Resource = Resource {
    plural: "schedulers",
    fields: fields![
        schedulerid Number, name Text, enabled Flag, master Other, pending_changes Number,
        awaited_buildsets Number, next_build_at Time,
    ],
};

pub(super) static FORCE_SCHEDULER: Resource = Resource {
    plural: "forceschedulers",
    fields: fields![
        name Text, button_name Text, label Text, builder_names List, enabled Flag, all_fields Other,
    ],
};

pub(super) static MASTER: Resource = Resource {
    plural: "masters",
    fields: fields![masterid Number, name Text, active Flag, last_active Time],
};
