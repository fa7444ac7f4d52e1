//! One simulated site: the tree, its network, its database file, its workers.

use crate::cloud::Cloud;
use crate::mutants::Forgets;
use crate::peer::Peer;
use bellwether::botmaster::errands::AtOnce;
use bellwether::config::{self, Config};
use bellwether::db::Settings;
use bellwether::kernel::Offer;
use bellwether::kernel::sim::Sim;
use bellwether::master::reload::{Failed, put_in_force};
use bellwether::master::tree::{Foundation, Tree};
use bellwether::model::Mono;
use bellwether::pbmanager::sim_net::SimNet;
use bellwether::{botmaster, changes};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// Turns in one moment after which it is clear that it will never end.
const TURNS_WITHOUT_TIME: usize = 20_000;

/// Nobody starts processes in a simulation.
struct NoProcesses;

impl botmaster::local::Launcher for NoProcesses {
    fn launch(
        &mut self,
        _: &botmaster::local::Launch,
    ) -> std::io::Result<Box<dyn botmaster::local::Process>> {
        Err(std::io::Error::other("there are no processes in a simulation"))
    }
}

pub struct House {
    pub sim: Sim,
    pub net: SimNet,
    pub tree: Tree,
    pub running: Arc<Config>,
    pub peers: Vec<Peer>,
    pub cloud: Cloud,
    pub chance: fastrand::Rng,
    dir: TempDir,
    seed: u64,
}

/// The workers that were there first. Nothing but what triggers is built on the last, so that no circle comes about.
pub const WORKERS: [&str; 3] = ["w1", "w2", "w4"];

/// The variant that has every builder there is: with it nothing waits for ever for a builder to come back.
pub const EVERYTHING: u32 = 3;

/// The site's configuration with one of several sets of builders.
pub fn configuration(variant: u32, dir: &std::path::Path) -> Config {
    let name = format!("variant-{variant}.yaml");
    let extra =
        "  - {name: extra, workers: [w1], locks: [site], steps: [{shell: make extra, locks: bench}]}\n";
    let other = "  - {name: other, workers: [w1, w2], locks: [{lock: site, mode: counting, count: 2}], steps: [{set_property: seen, value: '1'}]}\n";
    let (builders, more) = match variant {
        0 => (String::new(), ""),
        1 => (extra.to_owned(), ", extra"),
        2 => (other.to_owned(), ", other"),
        _ => (format!("{extra}{other}"), ", extra, other"),
    };
    // What is started for one branch does not serve another.
    let latent = "  - {name: w3, type: command, start: 'start %(prop:branch:-main)s', stop: stop, check: look, max_builds: 2, build_wait_timeout: 20s, missing_timeout: 60s}\n";
    let (latent, cloudy, w3) = match variant {
        1 => ("", "", ""),
        _ => (latent, ", cloudy", ", w3"),
    };
    let builders = match variant {
        1 => builders,
        _ => format!(
            "{builders}  - {{name: cloudy, workers: [w3], locks: [disk], steps: [{{shell: make rain}}]}}\n"
        ),
    };
    let steps = if variant == 2 { "[{shell: make all}, {shell: make more}]" } else { "[{shell: make all}]" };
    let text = format!(
        "state_dir: {dir}
url: http://localhost/
pb: {{listen: 127.0.0.1:9989}}
locks:
  - {{name: site, max_count: 2}}
  - {{name: disk, scope: worker}}
  - {{name: bench}}
workers:
  - {{name: w1, password: sekrit, max_builds: 1}}
  - {{name: w2, password: sekrit, max_builds: 2}}
  - {{name: w4, password: sekrit}}
{latent}schedulers:
  - {{type: single_branch, name: main, change_filter: {{branch: main}}, tree_stable_timer: 10s, builders: [fast]}}
  - {{type: any_branch, name: any, change_filter: {{branch: [main, dev]}}, builders: [slow{cloudy}], file_is_important: \"not path.startswith('docs/')\"}}
  - {{type: force, name: force, builders: [fast, slow, top, herald{more}{cloudy}]}}
  - {{type: triggerable, name: nest, builders: [middle]}}
  - {{type: triggerable, name: leaves, builders: [fast, slow]}}
builders:
  - {{name: top, workers: [w4], steps: [{{trigger: [nest, leaves], wait_for_finish: true, unimportant_schedulers: leaves}}]}}
  - {{name: middle, workers: [w4], steps: [{{shell: make ready}}, {{trigger: leaves, wait_for_finish: true}}]}}
  - {{name: herald, workers: [w4], steps: [{{trigger: leaves}}]}}
  - {{name: fast, workers: [w1, w2{w3}], locks: [disk, {{lock: site, mode: counting}}], steps: {steps}}}
  - name: slow
    workers: [w2]
    locks: [disk]
    steps:
      - git: https://git.example.org/app.git
      - shell: make check
        locks: bench
      - shell: make clean
        always_run: true
{builders}",
        dir = dir.display()
    );
    let loaded = config::load_text(&name, &text);
    loaded.unwrap_or_else(|complaints| panic!("{name}: {complaints:#?}")).config
}

impl House {
    pub fn new(seed: u64, mutant: Option<Forgets>) -> House {
        // In memory where there is such a place: the simulator crashes processes, not disks.
        let memory = PathBuf::from("/dev/shm");
        let dir =
            if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.expect("a directory");
        let mut chance = fastrand::Rng::with_seed(seed);
        let peers = WORKERS.map(|name| Peer::new(name, &mut chance)).into_iter().collect();
        let running = Arc::new(configuration(0, dir.path()));
        let net = SimNet::new();
        let cloud = Cloud::new(seed, mutant);
        let (mut sim, tree) = built(seed, &net, &cloud, &running);
        sim.advance(Duration::from_millis(chance.u64(0..1000)));
        let mut house = House { sim, net, tree, running, peers, cloud, chance, dir, seed };
        house.put_in_force(house.running.clone()).expect("the first configuration is put in force");
        house
    }

    pub fn dir(&self) -> &std::path::Path {
        self.dir.path()
    }

    pub fn now(&mut self) -> Mono {
        self.sim.world().now()
    }

    /// The process dies and is started again, with what the database has.
    pub fn crash(&mut self) {
        let now = self.now();
        self.sim.crash();
        self.net.crash();
        self.cloud.crash(now, &self.net);
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let (mut sim, tree) = built(self.seed, &self.net, &self.cloud, &self.running);
        sim.advance_to(now);
        (self.sim, self.tree) = (sim, tree);
        self.put_in_force(self.running.clone()).expect("the configuration that was in force is put in force");
    }

    /// Another worker of the name of one that is there comes too.
    pub fn add_twin(&mut self, of: usize) {
        let mut twin = Peer::new(&self.peers[of].name, &mut self.chance);
        (twin.may_be_refused, self.peers[of].may_be_refused) = (true, true);
        self.peers.push(twin);
    }

    /// Only the workers that were there first stay.
    pub fn remove_twins(&mut self) {
        let now = self.now();
        for mut twin in self.peers.split_off(WORKERS.len()) {
            twin.cut(now, &self.net, &mut self.chance);
        }
    }

    /// A reload. What is refused leaves the old configuration in force.
    pub fn put_in_force(&mut self, wanted: Arc<Config>) -> Result<(), Failed> {
        put_in_force(&self.tree.members, &wanted)?;
        self.running = wanted;
        Ok(())
    }

    /// Takes some turns and stops in the midst of things: what is on its way stays on its way.
    pub fn stumble(&mut self, turns: usize) {
        for _ in 0..turns {
            let now = self.now();
            self.act(now);
            if !self.sim.step() {
                let due = self.next_due();
                self.sim.advance_to(due.unwrap_or(now));
            }
        }
    }

    /// Workers and instances do what they are about to do. True if anything moved.
    fn act(&mut self, now: Mono) -> bool {
        let mut moved = self.cloud.act(now, &self.net);
        for peer in &mut self.peers {
            moved |= peer.act(now, &self.net, &mut self.chance);
        }
        moved
    }

    fn next_due(&self) -> Option<Mono> {
        let peers = self.peers.iter().filter_map(Peer::next_due);
        peers.chain(self.cloud.next_due()).chain(self.sim.next_wake()).min()
    }

    /// Lets happen what can happen without time going by.
    pub fn settle(&mut self) -> Result<(), String> {
        for _ in 0..TURNS_WITHOUT_TIME {
            let stepped = self.sim.step();
            let now = self.now();
            let moved = self.act(now);
            if !stepped && !moved {
                return Ok(());
            }
        }
        Err("the tree is busy for ever without time going by".to_owned())
    }

    /// Lets `duration` go by, from deadline to deadline.
    pub fn live(&mut self, duration: Duration) -> Result<(), String> {
        let end = self.now() + duration;
        loop {
            self.settle()?;
            let due = self.next_due();
            match due.filter(|due| *due < end) {
                Some(due) => {
                    // What was due in this moment has happened in it, whatever its deadline says now.
                    let at_least = self.now() + Duration::from_micros(1);
                    self.sim.advance_to(due.max(at_least));
                }
                None => {
                    self.sim.advance_to(end);
                    return self.settle();
                }
            }
        }
    }
}

fn built(seed: u64, net: &SimNet, cloud: &Cloud, config: &Config) -> (Sim, Tree) {
    let log = slog::Logger::root(slog::Discard, slog::o!());
    let mut sim = Sim::new(seed, log.clone());
    let mut settings = Settings::new(config.database.url.clone());
    settings.durable = false;
    settings.readers = 0;
    let foundation = Foundation {
        settings,
        net: Box::new(net.clone()),
        pb_bell: None,
        control: None,
        pollers: changes::Shell::Absent,
        launcher: Box::new(NoProcesses),
        runner: Box::new(AtOnce),
        drivers: Box::new(cloud.clone()),
        world: sim.world().branch("tree"),
        log,
    };
    let tree = Tree::build(&mut sim, foundation, Offer::to_fn(|_| Ok(()))).expect("the tree is built");
    (sim, tree)
}
