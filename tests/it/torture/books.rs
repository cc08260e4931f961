//! What is in the tables afterwards, beside what the relay kept.
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use sqlx::{PgPool, Row as _};
use uuid::Uuid;

use super::Left;
use crate::support::rough::RoughRelay;

/// Writes down each change of a delivery's state and when it was made, as seen from inside the database.
const WITNESS: &str = "
    create table witness (
        number bigint generated always as identity primary key, at timestamptz not null, delivery uuid not null,
        enrollment uuid not null, attempt int not null, was text not null, became text not null
    );
    create function see() returns trigger language plpgsql as $$ begin
        insert into witness (at, delivery, enrollment, attempt, was, became)
        values (clock_timestamp(), new.id, new.enrollment, new.attempt, old.state, new.state);
        return null;
    end $$;
    create trigger seen after update on deliveries for each row when (old.state <> new.state) execute function see()";

pub(super) async fn call_a_witness(db: &PgPool) {
    sqlx::raw_sql(WITNESS).execute(db).await.unwrap();
}

/// Deliveries that have not come to an end; nothing while PostgreSQL is away.
pub(super) async fn owed(db: &PgPool) -> Option<i64> {
    let sql = "select count(*) from deliveries where state in ('pending', 'claimed', 'sending')";
    sqlx::query_scalar(sql).fetch_one(db).await.ok()
}

/// For whoever looks for what stands in the way.
pub(super) async fn what_is_owed(db: &PgPool) -> Vec<String> {
    let sql =
        "select d::text || e.state from deliveries d join enrollments e on e.bucket = d.bucket and e.id = d.enrollment
        where d.state in ('pending', 'claimed', 'sending') limit 20";
    sqlx::query_scalar(sql).fetch_all(db).await.unwrap()
}

/// One delivery at the end.
#[derive(Debug)]
struct Delivery {
    id: Uuid,
    enrollment: Uuid,
    step: String,
    state: String,
    reason: Option<String>,
    uncertain_count: i16,
    /// How many copies the relay kept.
    copies: usize,
    /// How often it was marked as `sending`.
    marks: i64,
}

#[derive(Debug, Default)]
pub(super) struct Books {
    readers: usize,
    mails: usize,
    due: usize,
    accepted: usize,
    pub(super) rejected: usize,
    skipped: usize,
    pub(super) unsubscribed: usize,
    /// Whatever the relay said yes to, or might have, and did not keep.
    pub(super) lost: Vec<Uuid>,
    /// What it kept more than once.
    pub(super) doubled: Vec<Uuid>,
    /// What was uncertain at some time.
    pub(super) uncertain: Vec<Uuid>,
    /// What still is.
    pub(super) held: Vec<Uuid>,
    /// Of these, what never arrived.
    held_and_missing: usize,
    /// And whose readers had left.
    held_for_leavers: usize,
    faults: Vec<String>,
}

impl Books {
    pub(super) async fn read(db: &PgPool, relay: &RoughRelay, left: &Left) -> Self {
        let mut books = Self { unsubscribed: left.len(), ..Self::default() };
        let deliveries = books.deliveries(db, relay).await;
        for one in &deliveries {
            books.enter(one);
        }
        books.look_at_enrollments(db, &deliveries).await;
        books.hear_the_witness(db, left).await;
        books
    }

    pub(super) fn must_close(&self) {
        assert!(
            self.faults.is_empty(),
            "{} faults: {:#?}",
            self.faults.len(),
            &self.faults[..self.faults.len().min(20)]
        );
        assert_eq!(self.due, self.accepted + self.rejected + self.skipped + self.held.len());
    }

    async fn deliveries(&mut self, db: &PgPool, relay: &RoughRelay) -> Vec<Delivery> {
        let kept = relay.kept();
        self.mails = kept.len();
        let mut copies: HashMap<Uuid, Vec<String>> = HashMap::new();
        for mail in kept {
            copies.entry(mail.delivery).or_default().push(mail.to);
        }
        let rows = sqlx::query(
            "select d.id, d.enrollment, s.normalised, d.step, d.state, d.reason, d.uncertain_count,
                 coalesce(m.marks, 0) as marks
             from deliveries d
             join subscribers s on s.bucket = d.bucket and s.id = d.subscriber
             left join (select delivery, count(*) as marks from witness where became = 'sending' group by delivery) m
                 on m.delivery = d.id",
        )
        .fetch_all(db)
        .await
        .unwrap();
        let mut deliveries = Vec::new();
        for row in rows {
            let (id, address): (Uuid, String) = (row.get("id"), row.get("normalised"));
            let to = copies.remove(&id).unwrap_or_default();
            if to.iter().any(|to| *to != address) {
                self.faults.push(format!("{id} went to somebody else"));
            }
            deliveries.push(Delivery {
                id,
                enrollment: row.get("enrollment"),
                step: row.get("step"),
                state: row.get("state"),
                reason: row.get("reason"),
                uncertain_count: row.get("uncertain_count"),
                copies: to.len(),
                marks: row.get("marks"),
            });
        }
        if !copies.is_empty() {
            self.faults.push(format!("{} mails that nobody was owed", copies.len()));
        }
        deliveries
    }

    /// Each delivery counts once, by its state, and the relay kept as many copies as the table says it may have.
    fn enter(&mut self, one: &Delivery) {
        self.due += 1;
        let uncertain = usize::try_from(one.uncertain_count).unwrap();
        let mut known = uncertain;
        match one.state.as_str() {
            "accepted" => {
                self.accepted += 1;
                known += 1;
            }
            "rejected" => self.rejected += 1,
            "skipped" => self.skipped += 1,
            "uncertain" => self.held.push(one.id),
            state => self.faults.push(format!("{} is {state}", one.id)),
        }
        let missing = one.copies == 0;
        if missing && one.state == "accepted" {
            self.lost.push(one.id);
        }
        self.held_and_missing += usize::from(missing && one.state == "uncertain");
        self.held_for_leavers += usize::from(one.reason.as_deref() == Some("ended_meanwhile"));
        if one.copies > 1 {
            self.doubled.push(one.id);
        }
        if uncertain > 0 {
            self.uncertain.push(one.id);
        }
        let without_reason = matches!(one.state.as_str(), "rejected" | "skipped") && one.reason.is_none();
        let unlisted = one.state == "uncertain" && uncertain == 0;
        let marks = usize::try_from(one.marks).unwrap();
        if one.copies > known || one.copies > marks || without_reason || unlisted {
            self.faults.push(format!("{one:?}"));
        }
    }

    /// No reader is stranded, and each enrollment knows which of its steps were accepted.
    async fn look_at_enrollments(&mut self, db: &PgPool, deliveries: &[Delivery]) {
        let mut of: BTreeMap<Uuid, Vec<&Delivery>> = BTreeMap::new();
        for one in deliveries {
            of.entry(one.enrollment).or_default().push(one);
        }
        let rows = sqlx::query("select id, state, done_steps from enrollments").fetch_all(db).await.unwrap();
        self.readers = rows.len();
        for row in rows {
            let (id, state): (Uuid, String) = (row.get("id"), row.get("state"));
            let done: Vec<String> = row.get("done_steps");
            let steps = of.remove(&id).unwrap_or_default();
            let accepted: BTreeSet<&str> =
                steps.iter().filter(|one| one.state == "accepted").map(|one| one.step.as_str()).collect();
            let noted: BTreeSet<&str> = done.iter().map(String::as_str).collect();
            let ended = match state.as_str() {
                "completed" => steps.len() == 6,
                "unsubscribed" | "suppressed" => !steps.is_empty(),
                _ => false,
            };
            if !ended || noted != accepted || noted.len() != done.len() {
                self.faults.push(format!("{id} is {state} with {done:?} done, and was owed {steps:?}"));
            }
        }
    }

    /// No end is ever changed, and nothing is marked for somebody who had left.
    async fn hear_the_witness(&mut self, db: &PgPool, left: &Left) {
        let rows = sqlx::query("select at, delivery, enrollment, attempt, was, became from witness order by number")
            .fetch_all(db)
            .await
            .unwrap();
        for row in rows {
            let (was, became): (String, String) = (row.get("was"), row.get("became"));
            let (id, attempt): (Uuid, i32) = (row.get("delivery"), row.get("attempt"));
            if matches!(was.as_str(), "accepted" | "rejected" | "skipped" | "uncertain") {
                self.faults.push(format!("{id} was {was} and became {became} at attempt {attempt}"));
            }
            let told = left.get(&row.get::<Uuid, _>("enrollment"));
            if became == "sending" && told.is_some_and(|told| row.get::<chrono::DateTime<chrono::Utc>, _>("at") > *told)
            {
                self.faults.push(format!("{id} was marked for somebody who had left"));
            }
        }
    }
}

impl fmt::Display for Books {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} readers, {} parts due: {} accepted, {} rejected, {} skipped ({} readers left), {} held as uncertain ({} of \
             them never arrived, {} were of readers who had left). The relay kept {} mails. {} were uncertain at some time, {} doubled, {} lost, {} faults.",
            self.readers,
            self.due,
            self.accepted,
            self.rejected,
            self.skipped,
            self.unsubscribed,
            self.held.len(),
            self.held_and_missing,
            self.held_for_leavers,
            self.mails,
            self.uncertain.len(),
            self.doubled.len(),
            self.lost.len(),
            self.faults.len()
        )
    }
}
