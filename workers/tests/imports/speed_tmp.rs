use super::bench::{Bench, counts};
use patchbay_domain::imports::options::{DefaultConsent, Options};
use patchbay_domain::imports::store::CHUNK_BYTES;

fn pg_cpu() -> u64 {
    let mut total = 0;
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let p = entry.path();
        let Ok(cmd) = std::fs::read_to_string(p.join("stat")) else { continue };
        if cmd.contains("(postgres)") {
            let f: Vec<&str> = cmd.rsplit(')').next().unwrap().split_whitespace().collect();
            total += f[11].parse::<u64>().unwrap() + f[12].parse::<u64>().unwrap();
        }
    }
    total
}

#[tokio::test]
async fn speed() {
    let bench = Bench::new().await;
    let mut text = String::from("First,Last,Mobile,Mail,Company,City,Budget,Source\n");
    (0..100_000).for_each(|n| text.push_str(&format!("Anna{n},Miller,+4479{:08},p{n}@example.org,Acme {n},London,{n},web\n", 11_000_000 + n)));
    let lines = [("First", "first_name"), ("Last", "last_name"), ("Mobile", "phone"), ("Mail", "email"), ("Company", "company_name"), ("City", "city"), ("Budget", "attributes.budget"), ("Source", "source")];
    let id = bench.upload(text.as_bytes(), CHUNK_BYTES).await;
    let options = Options { sms_consent: DefaultConsent::OptedIn, ..Options::default() };
    let job = bench.start(id, &lines, options, false).await;
    let (t, c) = (std::time::Instant::now(), pg_cpu());
    bench.run(id, job).await.unwrap();
    eprintln!("import: {:?}, pg cpu {} ms", t.elapsed(), (pg_cpu() - c) * 10);
    eprintln!("{:?}", counts(&bench.get(id).await));
    let (t, c) = (std::time::Instant::now(), pg_cpu());
    for table in ["contacts", "contact_channels", "leads", "consent_events"] {
        bench.execute(&format!("CREATE TABLE public.b_{table} (LIKE {table} INCLUDING ALL)")).await;
        let t = std::time::Instant::now();
        bench.execute(&format!("COPY (SELECT * FROM {table}) TO '/tmp/b_{table}.bin' WITH (FORMAT binary)")).await;
        let c = pg_cpu();
        let u = std::time::Instant::now();
        bench.execute(&format!("COPY b_{table} FROM '/tmp/b_{table}.bin' WITH (FORMAT binary)")).await;
        eprintln!("{table}: out {:?} in {:?} cpu {}", u - t, u.elapsed(), (pg_cpu() - c) * 10);
    }
    eprintln!("copy: {:?}, pg cpu {} ms", t.elapsed(), (pg_cpu() - c) * 10);
}
