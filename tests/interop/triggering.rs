//! A build that triggers two others on the same worker and waits for them, at every age of worker.

use crate::fleet::Farm;

/// The schedulers that are triggered.
pub const SCHEDULERS: &str = r#"
  - {type: triggerable, name: parts, builders: [part]}
  - {type: triggerable, name: whole, builders: [whole]}
"#;

/// The builder, and those that it triggers.
pub const BUILDERS: &str = r#"
  - name: parent
    workers: [w1]
    steps:
      - {trigger: [parts, {scheduler: whole, set_properties: {from: '%(prop:buildnumber)s'}}], wait_for_finish: true}
      - {shell: 'cat @DIR@/part @DIR@/whole', name: both}
  - {name: part, workers: [w1], steps: [{shell: 'echo a part >@DIR@/part'}]}
  - {name: whole, workers: [w1], steps: [{shell: 'echo whole of %(prop:from)s >@DIR@/whole'}]}
"#;

/// What the children left is there when the parent goes on.
pub fn triggers(farm: &Farm) {
    farm.force("parent");
    let (_, log) = farm.ends("parent", 1, 0);
    assert!(log.contains("a part\n") && log.contains("whole of 1\n"), "{log}");
    farm.ends("part", 1, 0);
    farm.ends("whole", 1, 0);
}
