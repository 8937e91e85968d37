package byo.frontend;

import java.util.concurrent.TimeUnit;

/**
 * Whether the server can load and answer, as `serve` writes it down each second.
 *
 * <p>The file says {@code ready}, or why not in one line. Before it is there for the first time, the
 * server starts; if it goes, `serve` could not write it any more.
 */
final class Readiness {

    static final Readiness SERVER = new Readiness();

    /** `serve` may be busy for some seconds, sweeping up after a fork server. */
    private static final long SILENT_SECONDS = 15;

    /** A clock that was set forward makes every file old until it is next written. */
    private static final long SECOND_LOOK = TimeUnit.SECONDS.toNanos(2);

    private final WatchedFile file = new WatchedFile("readiness");
    private volatile boolean wasThere;
    private volatile long silentSince; // 0 where it is not

    private Readiness() {}

    /** Why a ping should fail; null if it should not. */
    String whyNot() {
        // What is well may be so for half a second more; who is to become well is not kept waiting.
        return whyNot(file.content()) == null ? null : whyNot(file.contentNow());
    }

    private String whyNot(WatchedFile.Content content) {
        if (content.text == null) {
            return wasThere ? "the scratch folder can't be written to" : null;
        }
        wasThere = true;
        if (isSilent(content.age)) {
            return "the server has not said for " + content.age + " s that it is well";
        }
        String text = content.text.trim();
        return text.equals("ready") ? null : text;
    }

    private boolean isSilent(long age) {
        if (age < SILENT_SECONDS) {
            silentSince = 0;
            return false;
        }
        long now = System.nanoTime();
        if (silentSince == 0) {
            silentSince = now == 0 ? 1 : now;
        }
        return now - silentSince >= SECOND_LOOK;
    }
}
