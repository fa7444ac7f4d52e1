//! Files between the master and a worker, and what the master has done to the worker's.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use crate::fleet::Farm;
use crate::harness::Build;

/// Builders that carry files: by what every worker knows, by what newer ones know, and in vain.
pub const BUILDERS: &str = r#"
  - name: carry
    workers: [w1]
    steps:
      - {shell: 'mkdir -p tree/sub; echo hello >tree/f; seq 1 50000 >tree/sub/g; touch -d @1000000000 tree/f', name: make}
      - {file_upload: tree/f, to: "@DIR@/up/f", keep_stamp: true, mode: "0640"}
      - {directory_upload: tree, to: "@DIR@/up/plain"}
      - {directory_upload: tree, to: "@DIR@/up/gz", compress: gz}
      - {directory_upload: tree, to: "@DIR@/up/bz2", compress: bz2}
      - {multiple_file_upload: [tree/f, tree/sub], to: "@DIR@/up/several"}
      - {string_download: "for café au lait\n", to: new/dir/text, mode: "0600"}
      - {file_download: "@DIR@/repository/greeting", to: new/greeting}
      - {json_properties_download: new/properties.json}
      - {make_directory: build/made}
      - {copy_directory: build/tree, to: build/copy}
      - {file_exists: build/copy/f}
      - {remove_directory: [build/tree, build/made, build/never]}
      - {shell: 'cat new/dir/text new/greeting; stat -c %a new/dir/text; ls; ls copy; cmp copy/sub/g @DIR@/up/gz/sub/g'}
  - name: newer
    workers: [w1]
    steps:
      - {shell: 'mkdir -p tree; echo a >tree/a.txt; echo b >tree/b.txt; echo c >tree/c', name: make}
      - {multiple_file_upload: tree/*.txt, glob: true, to: "@DIR@/up/found", name: glob}
      - {remove_file: build/tree/c, name: rmfile}
      - {shell: 'ls tree'}
  - name: vain
    workers: [w1]
    steps:
      - {shell: seq 1 20000 >much, name: make}
      - {file_upload: absent, to: "@DIR@/up/absent", halt_on_failure: false, name: up}
      - {file_upload: much, to: "@DIR@/repository/greeting/much", halt_on_failure: false, name: nowhere}
      - {directory_upload: ., to: "@DIR@/repository/greeting/all", halt_on_failure: false, name: nowhere at all}
      - {file_upload: much, to: "@DIR@/up/much", max_size: 1000, halt_on_failure: false, name: much}
      - {file_download: "@DIR@/absent", to: absent, halt_on_failure: false, name: down}
      - {make_directory: build/much/below, halt_on_failure: false, name: mkdir}
      - {copy_directory: build/absent, to: build/copy, halt_on_failure: false, name: cpdir}
      - {file_exists: build/absent, halt_on_failure: false, name: stat}
      - {shell: echo still there}
"#;

/// The results of a build that asked a worker for what it cannot do.
const EXCEPTION: i64 = 4;

/// Every command that is about files.
pub fn carries(farm: &Farm) {
    farm.force("carry");
    let (_, log) = farm.ends("carry", 1, Build::SUCCESS);
    let up = farm.site.path("up");
    let file = std::fs::metadata(up.join("f")).expect("an uploaded file");
    assert_eq!((file.permissions().mode() & 0o777, file.mtime()), (0o640, 1_000_000_000));
    let numbers: String = (1..=50_000).map(|number| format!("{number}\n")).collect();
    for tree in ["plain", "gz", "bz2"] {
        assert_eq!(text(&up.join(tree).join("f")), "hello\n", "{tree}");
        assert!(text(&up.join(tree).join("sub/g")) == numbers, "{tree}");
    }
    assert_eq!(text(&up.join("several/f")), "hello\n");
    assert!(text(&up.join("several/sub/g")) == numbers);
    let end = "ofor café au lait\nogood morning\no600\nocopy\nonew\nof\nosub\n";
    assert!(log.contains(end), "{}", farm.told());
    let properties = text(&farm.worker.path("carry/build/new/properties.json"));
    assert!(properties.contains("\"os\""), "{properties}");
    newer(farm);
    vain(farm);
}

fn newer(farm: &Farm) {
    farm.force("newer");
    let (has_glob, has_rmfile) = (farm.age.commands >= (2, 16), farm.age.commands >= (3, 1));
    let results = if has_rmfile { Build::SUCCESS } else { EXCEPTION };
    let (build, log) = farm.ends("newer", 1, results);
    let found = farm.site.path("up/found");
    if has_glob {
        assert_eq!((text(&found.join("a.txt")), text(&found.join("b.txt"))), ("a\n".into(), "b\n".into()));
        assert!(!found.join("c").exists());
    }
    // A worker that does not know a command is told of in words, and is not asked.
    let missing = if has_glob { "rmfile" } else { "glob" };
    assert_eq!(log.contains(&format!("it has no command {missing:?}")), !has_rmfile, "{build:?} {log}");
    assert_eq!(log.contains("oa.txt\nob.txt\n"), has_rmfile, "{log}");
}

fn vain(farm: &Farm) {
    farm.force("vain");
    let (_, log) = farm.ends("vain", 1, Build::FAILURE);
    assert!(log.contains("ostill there\n"), "{}", farm.told());
    let trouble = format!("cannot make {}", farm.site.path("repository/greeting").display());
    assert_eq!(log.matches(&trouble).count(), 2, "{}", farm.told());
    assert!(!farm.site.path("up/absent").exists());
    assert!(!farm.site.path("up/much").exists(), "a file that is not whole stands under its name");
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
