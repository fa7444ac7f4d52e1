//! The service from a request to its end.

use super::rig::{Kind, Rig};
use super::{builder, config, shell_step};
use crate::model::Results;
use expect_test::expect;

#[test]
fn a_request_is_built() {
    let mut rig = Rig::new(&config(vec![builder("b", vec![shell_step("make"), shell_step("exit 1")])]));
    rig.connect("w", Kind::Worker);
    let (_, request) = rig.ask("b", "r1");
    expect![[r#"
        print(Text("attached"))
        getWorkerInfo()
        setBuilderList(List([Tuple([Text("b"), Text("b")])]))
        admit
        b.startBuild()
        b.startCommand(shell Text("make"))
        b.startCommand(shell Text("exit 1"))"#]]
    .assert_eq(&rig.calls.join("\n"));
    expect![[r#"
        {"event":"worker_connected","worker":"w"}
        {"event":"build_started","build":1,"builder":"b","number":1,"worker":"w"}
        {"event":"step_started","build":1,"step":1}
        {"event":"log_added","build":1,"step":1,"log":1}
        {"event":"log_appended","build":1,"log":1,"line_count":2}
        {"event":"log_finished","build":1,"log":1}
        {"event":"step_finished","build":1,"step":1,"results":"success"}
        {"event":"step_started","build":1,"step":2}
        {"event":"log_added","build":1,"step":2,"log":2}
        {"event":"log_appended","build":1,"log":2,"line_count":1}
        {"event":"log_finished","build":1,"log":2}
        {"event":"step_finished","build":1,"step":2,"results":"failure"}
        {"event":"build_finished","build":1,"builder":"b","number":1,"results":"failure"}
        {"event":"request_complete","request":1,"builder":"b","results":"failure"}
        {"event":"buildset_complete","buildset":1,"results":"failure"}
    "#]]
    .assert_eq(&rig.told());
    let build = rig.db.builds().of_request(request).unwrap().remove(0);
    assert_eq!((build.results, build.state.as_str()), (Some(Results::Failure), "failed shell_1"));
    let steps = rig.db.steps().of_build(build.id).unwrap();
    let shown: Vec<String> =
        steps.iter().map(|step| format!("{} {:?} {}", step.name, step.results, step.state)).collect();
    expect![[r#"
        shell Some(Success) 'make'
        shell_1 Some(Failure) 'exit 1' failed (1)"#]]
    .assert_eq(&shown.join("\n"));
    expect![[r#"
        omake
        hprogram finished with exit code 0
    "#]]
    .assert_eq(&rig.log(steps[0].id, "stdio"));
}
