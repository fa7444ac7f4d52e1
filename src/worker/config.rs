//! `worker.yaml`: which master the worker serves, under which name, and how. It holds the password: mode 0600.

use super::AgentError;
use super::address::Address;
use super::limits::{KEEPALIVE, RECONNECT_MAX};
use super::tls::{Tls, TlsSettings};
use super::wishes::AllowShutdown;
use clap::Args;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Its name in the worker's directory.
pub const FILE: &str = "worker.yaml";

/// What the file holds, and the command line may say instead.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Args)]
#[serde(deny_unknown_fields)]
pub struct WorkerConfig {
    /// Where the master listens for workers: HOST:PORT, or Twisted's tcp:HOST:PORT or tls:HOST:PORT
    #[arg(long, value_name = "HOST:PORT")]
    pub master: String,
    /// Name of the worker at the master
    #[arg(long)]
    pub name: String,
    /// Its password.
    #[arg(skip)]
    pub password: String,
    /// How often the master is asked for a sign of life, in seconds [default: 600; 0: never]
    #[arg(long, value_name = "SECONDS")]
    pub keepalive_s: Option<u64>,
    /// Longest pause before the worker connects again, in seconds [default: 60]
    #[arg(long, value_name = "SECONDS")]
    pub max_delay_s: Option<u64>,
    /// Give up after so many tries in a row that did not get in [default: try for ever]
    #[arg(long, value_name = "NUMBER")]
    pub max_retries: Option<u32>,
    /// Permissions that new files of builds do not get, in octal, such as 022 [default: inherited]
    #[arg(long, value_name = "OCTAL")]
    pub umask: Option<String>,
    /// Number of processors told to the master [default: what this machine has]
    #[arg(long, value_name = "NUMBER")]
    pub numcpus: Option<u32>,
    /// What makes the worker ask the master for a graceful shutdown
    #[arg(long, value_enum)]
    pub allow_shutdown: Option<AllowShutdown>,
    /// Remove every directory in the worker's that belongs to no builder, but for info and those with a leading dot
    #[arg(long)]
    #[serde(default)]
    pub delete_leftover_dirs: bool,
    /// Connect through this HTTP proxy
    #[arg(long, value_name = "HOST:PORT")]
    pub proxy: Option<String>,
    /// Speak TLS with the master
    #[arg(long)]
    #[serde(default)]
    pub tls: bool,
    /// Who may have signed the master's certificate: PEM file, or directory of .pem files [default: the system's authorities]
    #[arg(long, value_name = "PATH")]
    pub tls_ca: Option<PathBuf>,
    /// The worker's own certificate, for a master that asks for one: PEM file
    #[arg(long, value_name = "FILE")]
    pub tls_cert_file: Option<PathBuf>,
    /// Key of that certificate: PEM file [default: in the certificate's file]
    #[arg(long, value_name = "FILE")]
    pub tls_key_file: Option<PathBuf>,
    /// Name in the master's certificate [default: the host of the master]
    #[arg(long, value_name = "NAME")]
    pub tls_server_name: Option<String>,
}

/// Written below the settings of a new worker; each line, uncommented, is a setting.
const OTHER_SETTINGS: &str = "
# Other settings; `bellwether-worker create --help` explains them.
#keepalive_s: 600
#max_delay_s: 60
#max_retries: 100
#umask: '022'
#numcpus: 4
#allow_shutdown: file
#delete_leftover_dirs: true
#proxy: proxy.example.org:3128
#tls: true
#tls_ca: ca.pem
#tls_cert_file: worker.pem
#tls_key_file: worker.key
#tls_server_name: ci.example.org
";

impl WorkerConfig {
    /// Reads the file in `dir`. Files that it names are seen from there.
    ///
    /// # Errors
    /// It is not there, or is not right: the text says where.
    pub fn load(dir: &Path) -> Result<WorkerConfig, AgentError> {
        let path = dir.join(FILE);
        let failed = |why: String| AgentError::Config { path: path.clone(), why };
        let text = std::fs::read_to_string(&path).map_err(|error| failed(error.to_string()))?;
        let mut config: WorkerConfig =
            serde_yaml::from_str(&text).map_err(|error| failed(error.to_string()))?;
        config.each_file(|file| dir.join(file));
        Ok(config)
    }

    /// Makes the directory of a new worker: this file, and `info/admin` and `info/host` to be edited.
    ///
    /// # Errors
    /// A setting is wrong, there is a worker already, or the files can't be written.
    pub fn create(mut self, dir: &Path) -> Result<(), AgentError> {
        let path = dir.join(FILE);
        let failed =
            |error: std::io::Error| AgentError::Config { path: path.clone(), why: error.to_string() };
        self.each_file(|file| std::path::absolute(file).unwrap_or_else(|_| file.to_owned()));
        self.address()?;
        self.umask()?;
        let text =
            self.text().map_err(|error| AgentError::Config { path: path.clone(), why: error.to_string() })?;
        let info = dir.join("info");
        std::fs::create_dir_all(&info).map_err(failed)?;
        let mut file =
            File::options().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned() + "\n";
        let admin = "Your Name Here <admin@example.org>\n".to_owned();
        for (name, text) in [("admin", admin), ("host", host)] {
            let path = info.join(name);
            if !path.exists() {
                std::fs::write(path, text).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Where the master is.
    ///
    /// # Errors
    /// `master` is no such place.
    pub fn address(&self) -> Result<Address, AgentError> {
        let wrong = |why| AgentError::Setting { key: "master", value: self.master.clone(), why };
        Address::parse(&self.master).map_err(wrong)
    }

    /// Where the proxy is.
    ///
    /// # Errors
    /// `proxy` is no such place.
    pub fn proxy(&self) -> Result<Option<Address>, AgentError> {
        let Some(proxy) = &self.proxy else { return Ok(None) };
        let wrong = |why| AgentError::Setting { key: "proxy", value: proxy.clone(), why };
        Address::parse(proxy).map(Some).map_err(wrong)
    }

    /// The mask of file permissions.
    ///
    /// # Errors
    /// `umask` is none.
    pub fn umask(&self) -> Result<Option<u32>, AgentError> {
        let Some(text) = &self.umask else { return Ok(None) };
        let digits = text.strip_prefix("0o").unwrap_or(text);
        let mask = u32::from_str_radix(digits, 8).ok().filter(|mask| *mask <= 0o777);
        let why = "it is no octal number up to 777".to_owned();
        mask.map(Some).ok_or(AgentError::Setting { key: "umask", value: text.clone(), why })
    }

    /// TLS, if it is wanted by the settings or by the address.
    ///
    /// # Errors
    /// A file for it can't be used, or is named where there is no TLS.
    pub fn tls(&self, address: &Address) -> Result<Option<Tls>, AgentError> {
        let of = |own: &Option<PathBuf>, other: &Option<PathBuf>| own.clone().or_else(|| other.clone());
        let settings = TlsSettings {
            ca: of(&self.tls_ca, &address.ca),
            cert_file: of(&self.tls_cert_file, &address.cert_file),
            key_file: of(&self.tls_key_file, &address.key_file),
            server_name: self.tls_server_name.clone().unwrap_or_else(|| address.host.clone()),
        };
        if self.tls || address.tls {
            return Tls::new(&settings).map(Some);
        }
        let named = settings.ca.or(settings.cert_file).or(settings.key_file);
        match named {
            None => Ok(None),
            Some(path) => Err(AgentError::Tls(format!("{} is named, but not 'tls: true'", path.display()))),
        }
    }

    /// How often the master is asked for a sign of life.
    pub fn keepalive(&self) -> Duration {
        self.keepalive_s.map_or(KEEPALIVE, Duration::from_secs)
    }

    /// The longest pause before the next try.
    pub fn max_delay(&self) -> Duration {
        self.max_delay_s.map_or(RECONNECT_MAX, Duration::from_secs)
    }

    fn each_file(&mut self, change: impl Fn(&Path) -> PathBuf) {
        for file in [&mut self.tls_ca, &mut self.tls_cert_file, &mut self.tls_key_file].into_iter().flatten()
        {
            *file = change(file);
        }
    }

    /// The file's text: what differs from the defaults, and comments on the rest.
    fn text(&self) -> Result<String, serde_yaml::Error> {
        let mut value = serde_yaml::to_value(self)?;
        if let serde_yaml::Value::Mapping(settings) = &mut value {
            settings.retain(|_, value| !value.is_null() && *value != serde_yaml::Value::Bool(false));
        }
        Ok(serde_yaml::to_string(&value)? + OTHER_SETTINGS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn config() -> WorkerConfig {
        WorkerConfig {
            master: "ci.example.org:9989".into(),
            name: "w1".into(),
            password: "it's: \"odd\" # \\".into(),
            keepalive_s: Some(60),
            umask: Some("022".into()),
            allow_shutdown: Some(AllowShutdown::Signal),
            tls_ca: Some("/etc/ca.pem".into()),
            ..WorkerConfig::default()
        }
    }

    #[test]
    fn what_is_created_is_loaded_and_private() {
        let base = tempfile::tempdir().expect("a directory");
        let dir = base.path().join("new/w1");
        config().create(&dir).expect("creates");
        assert_eq!(WorkerConfig::load(&dir).expect("loads"), config());
        let mode = std::fs::metadata(dir.join(FILE)).expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(std::fs::read_to_string(dir.join("info/host")).is_ok_and(|host| host.len() > 1));
        let again = config().create(&dir).expect_err("is there");
        assert!(again.to_string().contains("exists"), "{again}");
    }

    #[test]
    fn every_other_setting_is_named_and_right() {
        let dir = tempfile::tempdir().expect("a directory");
        let settings = OTHER_SETTINGS.replace("\n#", "\n").replace("\n Other", "\n# Other");
        let path = dir.path().join(FILE);
        std::fs::write(path, format!("master: a:1\nname: w\npassword: p\n{settings}")).expect("writes");
        let all = WorkerConfig::load(dir.path()).expect("loads");
        let value = serde_yaml::to_value(&all).expect("is YAML");
        let unset = value.as_mapping().expect("a mapping").iter().find(|(_, value)| value.is_null());
        assert_eq!(unset, None);
        assert_eq!(all.tls_ca, Some(dir.path().join("ca.pem")));
        assert_eq!(all.umask().expect("is right"), Some(0o22));
    }

    #[test]
    fn a_wrong_file_is_told_with_its_place() {
        let dir = tempfile::tempdir().expect("a directory");
        assert!(WorkerConfig::load(dir.path()).expect_err("missing").to_string().contains(FILE));
        let path = dir.path().join(FILE);
        std::fs::write(&path, "master: a:1\nname: w\npasword: p\n").expect("writes");
        let told = WorkerConfig::load(dir.path()).expect_err("wrong").to_string();
        assert!(told.contains("pasword") && told.contains("line 3"), "{told}");
        std::fs::write(&path, "master: a:1\nname: w\npassword: p\n").expect("writes");
        assert_eq!(WorkerConfig::load(dir.path()).expect("right").keepalive(), Duration::from_secs(600));
    }

    #[test]
    fn wrong_settings_are_told() {
        let told = |config: WorkerConfig| {
            let refused = config.create(Path::new("/nowhere")).expect_err("refused");
            refused.to_string()
        };
        let umask = told(WorkerConfig { umask: Some("9".into()), ..config() });
        assert_eq!(umask, "umask: '9': it is no octal number up to 777");
        assert!(
            told(WorkerConfig { master: "a:b".into(), ..config() }).starts_with("master: 'a:b': 'b' is no")
        );
        let address = config().address().expect("is right");
        let refused = config().tls(&address).expect_err("refused").to_string();
        assert!(refused.contains("/etc/ca.pem is named"), "{refused}");
        let missing = WorkerConfig { tls: true, tls_ca: Some("/no/ca.pem".into()), ..config() };
        assert!(missing.tls(&address).expect_err("refused").to_string().starts_with("/no/ca.pem: "));
    }
}
