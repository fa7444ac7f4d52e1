//! The list of all builders, asked for again and again.

use crate::Fallible;
use crate::baseline::{NONE, WEB, WEB_CPU};
use crate::farm::Farm;
use crate::home::Home;
use crate::site::Site;
use crate::table::Row;
use bellwether::kernel::{World, thread};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const BUILDERS: u64 = 1000;
/// Clients that ask at the same time, each on a connection that it keeps.
const CLIENTS: usize = 4;
const ASKING: Duration = Duration::from_secs(3);
const PATH: &str = "/api/v2/builders";

pub fn measure() -> Fallible<Vec<Row>> {
    let home = Home::new(Site { builders: BUILDERS, workers: 10 })?;
    home.run(|master| {
        let mut farm = Farm::new(home.pb)?;
        let bytes = Client::connect(home.www)?.get(PATH)?;
        let cpu_before = master.settle(&mut farm)?;
        let www = home.www;
        let clients = (0..CLIENTS).map(|_| {
            // What goes wrong crosses the thread's end as text.
            thread::spawn("farm-web", move || ask(www).map_err(|error| error.to_string()))
        });
        let clients = clients.collect::<Result<Vec<_>, _>>()?;
        let mut requests = 0;
        for client in clients {
            requests += client.join()??;
        }
        let cpu = master.settle(&mut farm)? - cpu_before;
        let (requests, seconds) = (requests as f64, ASKING.as_secs_f64());
        Ok(vec![
            Row::more("web: list of 1000 builders as JSON", "req/s", requests / seconds, WEB),
            Row::less("web: the same, processor", "s/req", cpu.as_secs_f64() / requests, WEB_CPU),
            Row::less("web: its bytes", "B", bytes as f64, NONE),
        ])
    })
}

/// Asks until the time is over; says how often it was answered.
fn ask(www: SocketAddr) -> Fallible<u64> {
    let world = World::real();
    let until = world.now() + ASKING;
    let mut client = Client::connect(www)?;
    let mut answered = 0;
    while world.now() < until {
        client.get(PATH)?;
        answered += 1;
    }
    Ok(answered)
}

/// A connection that is kept.
struct Client {
    stream: BufReader<TcpStream>,
    address: SocketAddr,
}

impl Client {
    fn connect(address: SocketAddr) -> Fallible<Client> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Client { stream: BufReader::new(stream), address })
    }

    /// Gets a page whole; says how many bytes it has.
    fn get(&mut self, path: &str) -> Fallible<u64> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address);
        self.stream.get_mut().write_all(request.as_bytes())?;
        let status = self.line()?;
        if !status.starts_with("HTTP/1.1 200 ") {
            return Err(format!("{path}: {status}").into());
        }
        let mut length = None;
        loop {
            let header = self.line()?;
            match header.split_once(':') {
                None if header.is_empty() => break,
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = Some(value.trim().parse()?);
                }
                _ => {}
            }
        }
        let length = length.ok_or("an answer that does not tell its length")?;
        let read = std::io::copy(&mut (&mut self.stream).take(length), &mut std::io::sink())?;
        if read < length { Err("an answer that ends too soon".into()) } else { Ok(length) }
    }

    fn line(&mut self) -> Fallible<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}
