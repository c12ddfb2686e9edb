//! A file of 200 MB goes through the API in pieces: its memory does not grow with the file.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::program::Program;

const FILE: usize = 200_000_000;
const MOST_KIB: usize = 150 * 1024;

#[tokio::test]
#[cfg(target_os = "linux")]
async fn an_upload_of_200_mb_is_never_held_in_memory() {
    let program = Program::start(&[]).await;
    let row = format!("P,+447911123456,{}\n", "z".repeat(60_000));
    let (head, foot) = (
        "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.csv\"\r\n\r\nName,Mobile,Filler\n",
        "\r\n--edge--\r\n",
    );
    let rows = FILE / row.len() + 1;
    let length = head.len() + rows * row.len() + foot.len();
    let address = program.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "POST /v1/imports HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\
         Content-Type: multipart/form-data; boundary=edge\r\nContent-Length: {length}\r\n\r\n{head}",
        program.key
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    for _ in 0..rows {
        stream.write_all(row.as_bytes()).await.unwrap();
    }
    stream.write_all(foot.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak_kib: usize = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak_kib < MOST_KIB, "peak {peak_kib} KiB");
}
