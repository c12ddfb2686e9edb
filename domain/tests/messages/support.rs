//! A tenant with an account, a sender and people to text.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Nullable, Text, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::{ContactId, MessageId, ProviderAccountId, TenantId};
use patchbay_db::testdb::TestDb;
use patchbay_db::{Db, Tx};
use patchbay_domain::messages::accept::{self, Call, Content, Draft, Mode, Recipient, Size, Verdict};
use patchbay_domain::messages::{Body, Message, MessageState, get};
use patchbay_domain::provider_accounts::{self, NewAccount, NewSender};
use patchbay_queue::sql::statement;

pub const SENDER: &str = "+12025550100";

pub struct World {
    pub test: TestDb,
    pub tenant: TenantId,
    pub account: ProviderAccountId,
}

pub fn now() -> DateTime<Utc> {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

pub fn measure(text: &str) -> Size {
    Size { segments: 1, too_long: text.chars().count() > 1_600 }
}

impl World {
    pub async fn new() -> Self {
        let test = TestDb::new().await;
        let tenant = test.tenant().await;
        let account = test.db().new_id(now());
        let world = Self { test, tenant, account };
        let mut tx = world.tx().await;
        let account = NewAccount {
            id: account,
            kind: "twilio",
            name: "main".into(),
            external_id: "AC1".into(),
            settings: serde_json::json!({}),
            credentials: vec![1],
            senders: vec![NewSender {
                id: world.db().new_id(now()),
                address: SENDER.into(),
                is_default: false,
                rate_per_second: None,
                usual_rate: 1.0,
            }],
        };
        provider_accounts::create(&mut tx, &account).await.unwrap();
        tx.commit().await.unwrap();
        world
    }

    pub fn db(&self) -> &Db {
        self.test.db()
    }

    pub async fn tx(&self) -> Tx {
        self.db().begin(self.tenant).await.unwrap()
    }

    /// A contact with one number and this consent.
    pub async fn contact(&self, number: &str, consent: &str) -> ContactId {
        let id: ContactId = self.db().new_id(now());
        let channel: patchbay_db::ids::ChannelId = self.db().new_id(now());
        let mut tx = self.tx().await;
        statement("INSERT INTO contacts (tenant_id, id) VALUES ($1, $2)")
            .bind::<Uuid, _>(self.tenant)
            .bind::<Uuid, _>(id)
            .execute(&mut *tx)
            .await
            .unwrap();
        statement(
            "INSERT INTO contact_channels (tenant_id, id, contact_id, channel, address, is_primary, consent)
             VALUES ($1, $2, $3, 'sms', $4, true, $5)",
        )
        .bind::<Uuid, _>(self.tenant)
        .bind::<Uuid, _>(channel)
        .bind::<Uuid, _>(id)
        .bind::<Text, _>(number)
        .bind::<Text, _>(consent)
        .execute(&mut *tx)
        .await
        .unwrap();
        tx.commit().await.unwrap();
        id
    }

    pub async fn template(&self, code: &str, class: &str, body: &str) {
        let id: patchbay_db::ids::TemplateId = self.db().new_id(now());
        self.execute(
            "INSERT INTO templates (tenant_id, id, code, name, channel, class, body, variables)
             SELECT tenant_id, $1, $2, $2, 'sms', $3, $4, '{}' FROM provider_accounts",
            id,
            [code, class, body],
        )
        .await;
    }

    /// Runs a statement with one id and some texts.
    pub async fn execute<I: Into<uuid::Uuid>, const N: usize>(&self, sql: &'static str, id: I, texts: [&str; N]) {
        let mut tx = self.tx().await;
        let mut query = diesel::sql_query(sql).into_boxed().bind::<Uuid, _>(id.into());
        for text in texts {
            query = query.bind::<Text, _>(text.to_owned());
        }
        query.execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub async fn accept(&self, call: Call) -> Verdict {
        let mut tx = self.tx().await;
        let mut verdicts = accept::accept(&mut tx, self.db().ids(), now(), measure, vec![call]).await.unwrap();
        tx.commit().await.unwrap();
        verdicts.pop().unwrap()
    }

    /// Accepts one text to a number.
    pub async fn queued(&self, number: &str) -> Message {
        let verdict = self.accept(call(vec![text(number, "hello")])).await;
        let Verdict::Accepted { results, .. } = verdict else { panic!("{verdict:?}") };
        results.into_iter().next().unwrap().unwrap()
    }

    pub async fn message(&self, id: MessageId) -> Message {
        get::get(&mut self.tx().await, id).await.unwrap()
    }

    pub async fn set_state(&self, id: MessageId, state: MessageState, provider_id: Option<&str>) {
        let mut tx = self.tx().await;
        statement("UPDATE messages SET state = $2, provider_message_id = $3, attempts = 1 WHERE id = $1")
            .bind::<Uuid, _>(id)
            .bind::<Text, _>(state.as_str())
            .bind::<Nullable<Text>, _>(provider_id)
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
}

pub fn call(drafts: Vec<Draft>) -> Call {
    Call { from: None, send_at: None, mode: Mode::Strict, drafts, trace: None, request_id: None }
}

pub fn text(number: &str, body: &str) -> Draft {
    Draft { to: Recipient::Address(number.into()), content: Content::Text(Body(body.into())), class: None }
}

pub fn templated(contact: ContactId, name: &str, variables: &[(&str, &str)]) -> Draft {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let content = Content::Template { name: name.into(), variables };
    Draft { to: Recipient::Contact(contact), content, class: None }
}
