//! What waits, what was taken, and what a connection could not pass on.

use std::future::poll_fn;

use marketplace::chat::ChatEvent;

use super::*;
use crate::chat::reader::Reader;

/// A meter of a call of which one token is durable.
fn meter() -> Meter {
    Meter {
        rates: Mutex::default(),
        take: TakeRate::STANDARD,
        hold: Nanos::ZERO,
        free: false,
        output_max: AtomicU64::new(u64::MAX),
        in_one_piece: false,
        input: AtomicU64::new(0),
        passage: Mutex::default(),
        durable_output: AtomicU64::new(1),
        lost: AtomicBool::new(false),
        written_down: Notify::new(),
        taken: Notify::new(),
        outlet: OnceLock::new(),
    }
}

async fn has_room(meter: &Meter, weight: usize) -> bool {
    timeout(Duration::from_millis(5), meter.room_for(weight)).await.is_ok()
}

#[tokio::test]
async fn what_waits_for_a_reader_is_bounded_by_its_size_however_many_pieces_it_is() {
    for weight in [500, 4_096, WAITING_BYTES_MAX, 3 * WAITING_BYTES_MAX] {
        let (events, mut reader) = mpsc::channel::<CallEvent>(2_048);
        let meter = meter();
        let mut waiting = 0;
        while has_room(&meter, weight).await {
            let event = CallEvent::Chat(ChatEvent::Text(String::new()));
            meter.hand_over(events.try_reserve().unwrap(), event, Piece { bytes: 4, weight });
            waiting += 1;
        }
        assert_eq!(waiting, (WAITING_BYTES_MAX / weight).max(1), "pieces of {weight} bytes");
        let room = meter.room_for(weight);
        let reading = poll_fn(|cx| meter.poll_next(&mut reader, false, cx));
        timeout(Duration::from_secs(5), async { tokio::join!(room, reading) }).await.unwrap();
        assert_eq!(meter.delivered().output, 1);
    }
}

#[tokio::test]
async fn what_a_connection_could_not_pass_on_was_not_delivered() {
    let (events, mut reader) = mpsc::channel::<CallEvent>(8);
    let (meter, outlet) = (meter(), Arc::new(Outlet::default()));
    meter.leave_by(outlet.clone());
    let mut pass = async || {
        let event = CallEvent::Chat(ChatEvent::Text(String::new()));
        meter.hand_over(events.try_reserve().unwrap(), event, Piece { bytes: 40, weight: 40 });
        poll_fn(|cx| meter.poll_next(&mut reader, false, cx)).await.unwrap();
    };
    pass().await;
    assert_eq!(meter.delivered().output, 0, "it is still in our hands");
    outlet.clear();
    assert_eq!(meter.delivered().output, 10);
    pass().await;
    assert_eq!(meter.delivered().output, 10, "the second is still in our hands");
    assert!(timeout(Duration::from_millis(5), meter.until_cleared()).await.is_err());
    let clear = async { outlet.clear() };
    timeout(Duration::from_secs(5), async { tokio::join!(meter.until_cleared(), clear) }).await.unwrap();
    assert_eq!(meter.delivered().output, 20);
}

#[tokio::test]
async fn whoever_leaves_pays_for_all_that_their_connection_passed_on_and_for_no_more() {
    for is_over in [false, true] {
        let (events, reader) = mpsc::channel::<CallEvent>(8);
        let (meter, outlet) = (Arc::new(meter()), Arc::new(Outlet::default()));
        meter.leave_by(outlet.clone());
        let mut reader = Reader::new(reader, meter.clone());
        for _ in 0..4 {
            let event = CallEvent::Chat(ChatEvent::Text(String::new()));
            meter.hand_over(events.try_reserve().unwrap(), event, Piece { bytes: 40, weight: 40 });
        }
        // The relay that has heard the whole answer waits for all places at once.
        let mut places = std::pin::pin!(events.reserve_many(8));
        if is_over {
            assert!(timeout(Duration::from_millis(5), places.as_mut()).await.is_err());
        }
        // Nobody looks between these.
        reader.next().await.unwrap();
        reader.next().await.unwrap();
        outlet.clear();
        reader.next().await.unwrap();
        drop(reader);
        assert_eq!(meter.delivered().output, 20);
        // Another answer leaves by the same connection.
        outlet.clear();
        assert_eq!(meter.delivered().output, 20, "the third was in our hands when its reader left");
        assert!(meter.waits());
    }
}

#[tokio::test]
async fn pieces_of_no_size_pass_the_window() {
    for size in [1, 3, 5, 6, 7, 11, 4_095] {
        let meter = meter();
        meter.passage.lock().unwrap().taken = 8;
        while timeout(Duration::from_millis(5), meter.may_forward(size)).await.is_ok() {
            meter.passage.lock().unwrap().taken += size as u64;
        }
        let given_away = meter.handed_with(0) - 1;
        assert!(given_away <= WINDOW_TOKENS, "{given_away} tokens in pieces of {size} bytes");
        assert!(given_away + size as u64 / BYTES_A_TOKEN + 1 >= WINDOW_TOKENS, "{given_away} of {size}");
    }
}
