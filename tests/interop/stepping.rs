//! Steps of several programs, steps that are tried again, checks and requests, with a real worker between them.

use crate::fleet::Farm;
use crate::harness::Build;

/// A builder with all of them.
pub const BUILDERS: &str = r#"
  - name: stepping
    workers: [w1]
    steps:
      - shell_sequence:
          - echo first
          - {command: [echo, second], log: second}
          - '%(prop:nothing)s'
          - {command: exit 7, flunk_on_failure: false, halt_on_failure: true}
          - echo never
        name: sequence
      - {shell: 'test -e tried || { touch tried; echo at first; exit 5; }; echo at last', name: again, retry: {count: 2, delay: 10ms}}
      - {set_property: mixed, command: 'echo out; echo err >&2', include_stderr: true, name: mixed}
      - {assert: "property('mixed') == 'out\nerr'"}
      - {log: {mixed: '%(prop:mixed)s'}}
      - {shell: 'rm tried'}
"#;

/// All of them, once.
pub fn steps(farm: &Farm) {
    farm.force("stepping");
    let (build, log) = farm.ends("stepping", 1, Build::SUCCESS);
    for text in [
        "ofirst\n",
        "osecond\n",
        "oat first\n",
        "htry 1 of 3 failed (5); the next is in 10ms\n",
        "htry 2 of 3\n",
        "oat last\n",
        "\"mixed\": \"out\\nerr\"",
    ] {
        assert!(log.contains(text), "no {text:?} in {}", farm.told());
    }
    assert!(!log.contains("onever\n"), "{}", farm.told());
    assert_eq!(farm.site.rows().property(build.id, "mixed"), Some("\"out\\nerr\"".to_owned()));
}
