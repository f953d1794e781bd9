//! Pictures, and what an operator still has at a vendor that draws them.

use super::*;

#[test]
fn pictures_are_read_as_expected() {
    let samples = samples(&PICTURES.map(|(protocol, _)| protocol));
    assert_eq!(samples.len(), 8);
    for sample in samples {
        let decode = PICTURES.iter().find(|(protocol, _)| *protocol == sample.protocol).unwrap().1;
        match decode(sample.status, &sample.headers, &sample.body) {
            Ok(read) => {
                let filtered = read.pictures.iter().filter(|picture| picture.is_filtered).count();
                let outcome = if filtered == read.pictures.len() { "filtered" } else { "complete" };
                assert_eq!(outcome, sample.expect["outcome"], "outcome of {}", sample.file);
                assert_eq!(json!(read.pictures.len()), sample.expect["images"], "{}", sample.file);
                assert_eq!(
                    filtered as u64,
                    sample.expect["filtered"].as_u64().unwrap_or(0),
                    "{}",
                    sample.file
                );
                assert!(read.pictures.iter().all(|picture| picture.format == image::Format::Png));
                sample.check_usage(read.usage);
            }
            Err(failure) => sample.check_failure(&failure),
        }
    }
}

#[test]
fn what_an_operator_still_has_is_read_to_the_last_digit() {
    for sample in samples(&["stability_v1_user"]) {
        let left = image::stability_v1::decode_balance(sample.status, &sample.headers, &sample.body).unwrap();
        let credits = Nanos(left.0 * 100).decimal();
        assert_eq!(json!(credits), sample.expect["credits"], "{}", sample.file);
    }
    for body in ["{}", "{\"credits\": \"7\"}", "{\"credits\": 1e300}", "[]"] {
        let read = image::stability_v1::decode_balance(StatusCode::OK, &HeaderMap::new(), body.as_bytes());
        assert!(read.is_err(), "{body}");
    }
}

#[test]
fn what_is_no_picture_is_a_failure() {
    let png = "iVBORw0KGgo=";
    for (protocol, decode) in PICTURES {
        for body in [
            json!({}),
            json!({"data": []}),
            json!({"data": [{"b64_json": "aGk="}]}),
            json!({"artifacts": []}),
            json!({"artifacts": [{"base64": png, "finishReason": "ERROR"}]}),
            json!({"image": png, "finish_reason": "ERROR"}),
            json!({"image": "aGk=", "finish_reason": "SUCCESS"}),
            json!({"candidates": []}),
            json!({"candidates": [{"content": {"parts": [{"inlineData": {"data": "aGk="}}]}}]}),
        ] {
            let read = decode(StatusCode::OK, &HeaderMap::new(), body.to_string().as_bytes());
            assert!(read.is_err(), "{protocol}: {body}");
        }
    }
}

#[test]
fn each_is_asked_for_pictures_in_its_own_words() {
    let size = Some(Size { width: 1344, height: 768 });
    let square = Some(Size { width: 1024, height: 1024 });
    let plain = image::Request { prompt: "a lighthouse".to_owned(), ..image::Request::default() };
    let seeded = image::Request { seed: Some(7), negative_prompt: Some("fog".to_owned()), ..plain.clone() };
    let several = image::Request { count: Some(2), size, quality: Some("high".to_owned()), ..plain.clone() };
    let sent = image::openai::encode(&several, "gpt-image-2").unwrap();
    let expected = json!({"model": "gpt-image-2", "prompt": "a lighthouse", "n": 2, "size": "1344x768", "quality": "high"});
    assert_eq!((sent.path.as_ref(), body(&sent)), ("/images/generations", expected));
    let other = image::openai::encode(&plain, "grok-imagine").unwrap();
    assert_eq!(body(&other)["response_format"], "b64_json");
    let sent = image::stability_v1::encode(&image::Request { size, ..seeded.clone() }, "sdxl").unwrap();
    let expected = json!({
        "text_prompts": [{"text": "a lighthouse", "weight": 1}, {"text": "fog", "weight": -1}],
        "width": 1344, "height": 768, "seed": 7, "steps": 30,
    });
    assert_eq!((sent.path.as_ref(), body(&sent)), ("/v1/generation/sdxl/text-to-image", expected));
    let sent =
        image::stability_v2::encode(&image::Request { size: square, ..seeded.clone() }, "core").unwrap();
    assert_eq!(sent.path, "/v2beta/stable-image/generate/core");
    let form = String::from_utf8(sent.body).unwrap();
    for field in [
        "prompt\"\r\n\r\na lighthouse",
        "negative_prompt\"\r\n\r\nfog",
        "aspect_ratio\"\r\n\r\n1:1",
        "seed\"\r\n\r\n7",
    ] {
        assert!(form.contains(&format!("name=\"{field}\r\n--mercato-form")), "{form}");
    }
    assert!(form.ends_with("--\r\n") && sent.headers[0].1.ends_with(&form[2..25]), "{:?}", sent.headers);
    let ultra = image::stability_v2::encode(&plain, "stable-image-ultra").unwrap();
    assert_eq!(ultra.path, "/v2beta/stable-image/generate/ultra");
    let sd3 = image::stability_v2::encode(&plain, "sd3.5-large").unwrap();
    assert_eq!(sd3.path, "/v2beta/stable-image/generate/sd3");
    assert!(String::from_utf8(sd3.body).unwrap().contains("name=\"model\"\r\n\r\nsd3.5-large\r\n"));
}

#[test]
fn what_a_painter_cannot_be_told_is_refused() {
    let of = |prompt: &str| image::Request { prompt: prompt.to_owned(), ..image::Request::default() };
    let odd = image::Request { size: Some(Size { width: 1344, height: 768 }), ..of("a") };
    assert!(image::stability_v2::encode(&odd, "core").is_err());
    assert!(image::stability_v2::encode(&of("a\r\n--mercato-form-7c1e09b2d4\r\n"), "core").is_err());
    assert!(image::stability_v2::encode(&image::Request { count: Some(2), ..of("a") }, "core").is_err());
    assert!(image::openai::encode(&image::Request { seed: Some(1), ..of("a") }, "m").is_err());
    let fine = image::Request { quality: Some("high".to_owned()), ..of("a") };
    assert!(image::stability_v1::encode(&fine, "m").is_err());
    let small = image::Request { size: Some(Size { width: 512, height: 512 }), ..of("a") };
    assert!(image::stability_v1::encode(&small, "m").is_err());
    for amiss in [
        fine,
        image::Request { count: Some(2), ..of("a") },
        image::Request { negative_prompt: Some("fog".to_owned()), ..of("a") },
        image::Request { size: Some(Size { width: 1000, height: 700 }), ..of("a") },
    ] {
        assert!(image::gemini::encode(&amiss, "m").is_err(), "{amiss:?}");
    }
}

#[test]
fn a_picture_is_drawn_by_a_conversation() {
    let size = Some(Size { width: 1344, height: 756 });
    let asked = image::Request {
        prompt: "a lighthouse".to_owned(),
        size,
        seed: Some(7),
        ..image::Request::default()
    };
    let sent = image::gemini::encode(&asked, "gemini-image").unwrap();
    let expected = json!({
        "contents": [{"role": "user", "parts": [{"text": "a lighthouse"}]}],
        "generationConfig": {"responseModalities": ["IMAGE"], "imageConfig": {"aspectRatio": "16:9"}, "seed": 7},
    });
    assert_eq!((sent.path.as_ref(), body(&sent)), ("/models/gemini-image:generateContent", expected));
    let read = |answer: Value| {
        image::gemini::decode(StatusCode::OK, &HeaderMap::new(), answer.to_string().as_bytes())
    };
    let picture = |of_a_thought: bool| json!({"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}, "thought": of_a_thought});
    let drawn = read(json!({"candidates": [{
        "content": {"parts": [picture(true), {"text": "Here it is:"}, picture(false)]}, "finishReason": "STOP",
    }]}));
    assert_eq!(drawn.unwrap().pictures.len(), 1, "what was drawn while thinking is no answer");
    for (answer, class) in [
        (json!({"promptFeedback": {"blockReason": "SAFETY"}}), FailureClass::Content),
        (json!({"candidates": [{"finishReason": "IMAGE_SAFETY"}]}), FailureClass::Content),
        (
            json!({"candidates": [{"content": {"parts": [{"text": "No."}]}, "finishReason": "STOP"}]}),
            FailureClass::ModelOutput,
        ),
        (json!({"candidates": [{}]}), FailureClass::MalformedStream),
    ] {
        assert_eq!(read(answer.clone()).unwrap_err().class, class, "{answer}");
    }
}
