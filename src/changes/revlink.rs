//! The page of a commit, where the repository's host is one whose pages are known (`GC-30`, `N-CS-12`). Pure.

/// Hosts, and what stands between a repository and a commit's id in the addresses of their pages.
const HOSTS: &[(&str, &str)] = &[
    ("bitbucket.org", "commits"),
    ("codeberg.org", "commit"),
    ("gitea.com", "commit"),
    ("github.com", "commit"),
    ("gitlab.com", "-/commit"),
];

/// The page of this revision; `None` where nobody can say.
pub(super) fn revlink(repository: &str, revision: &str) -> Option<String> {
    let is_commit = revision.len() >= 7 && revision.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (host, path) = is_commit.then(|| host_and_path(repository))??;
    let (host, between) = HOSTS.iter().find(|(known, _)| host.eq_ignore_ascii_case(known))?;
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-~".contains(c);
    let is_repository = path.contains('/') && path.chars().all(is_plain);
    is_repository.then(|| format!("https://{host}/{path}/{between}/{revision}"))
}

/// The parts of `https://host/path`, `git://host/path`, `ssh://user@host:22/path` and `user@host:path`.
fn host_and_path(repository: &str) -> Option<(&str, &str)> {
    let (host, path) = match repository.split_once("://") {
        Some(("http" | "https" | "git" | "ssh", rest)) => rest.split_once('/')?,
        Some(_) => return None,
        None => repository.split_once(':')?,
    };
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    Some((host.split_once(':').map_or(host, |(host, _)| host), path))
}

#[cfg(test)]
mod tests {
    use super::revlink;

    #[test]
    fn pages_of_known_hosts_are_found_whatever_the_form_of_the_address() {
        let check = |repository: &str, expected: Option<&str>| {
            let expected = expected.map(|page| format!("https://{page}/0123abc"));
            assert_eq!(revlink(repository, "0123abc"), expected, "{repository}");
        };
        let github = Some("github.com/o/r/commit");
        check("https://github.com/o/r", github);
        check("https://robot@GitHub.com/o/r.git/", github);
        check("git://github.com/o/r.git", github);
        check("ssh://git@github.com:22/o/r.git", github);
        check("git@github.com:o/r.git", github);
        check("https://gitlab.com/group/sub/r.git", Some("gitlab.com/group/sub/r/-/commit"));
        check("git@bitbucket.org:o/r.x.git", Some("bitbucket.org/o/r.x/commits"));
        check("https://codeberg.org/o/r", Some("codeberg.org/o/r/commit"));
        check("https://git.example.org/o/r.git", None);
        check("https://github.com.example.org/o/r.git", None);
        check("https://github.com/", None);
        check("https://github.com/o/r?x=\"y", None);
        check("file://github.com/o/r", None);
        check("/srv/git/r.git", None);
        check("", None);
    }

    #[test]
    fn what_is_no_commit_has_no_page() {
        for revision in ["", "??", "1234", "not-a-hash", "../../../x", "r12345678"] {
            assert_eq!(revlink("https://github.com/o/r", revision), None, "{revision}");
        }
    }
}
