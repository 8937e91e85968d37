package byo.frontend;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.concurrent.TimeUnit;

/**
 * Whether the kernel has just killed a process of this container for lack of memory.
 *
 * <p>It counts them in a file of the control group, before the process has ended: when a worker's
 * connection closes, its kill has been counted.
 */
final class MemoryKills {

    /** The file, where there is one. */
    private static final String PROPERTY = "byo.kills";

    private static final String NAME = "oom_kill ";
    private static final long LOOK_MILLISECONDS = 500;

    /** Each connection of a worker that was killed is answered within this time. */
    private static final long RECENT_NANOSECONDS = TimeUnit.SECONDS.toNanos(2);

    private static final Path FILE =
            System.getProperty(PROPERTY) == null ? null : Paths.get(System.getProperty(PROPERTY));

    private static long counted = -1;
    private static long roseAt;
    private static boolean hasRisen;

    private MemoryKills() {}

    /** Begin to count. */
    static void begin() {
        if (FILE != null) {
            Looks.begin(
                    "memory-kills",
                    LOOK_MILLISECONDS,
                    MemoryKills::areRecent,
                    "a worker that is killed for lack of memory is answered for with 500");
        }
    }

    /** Whether there has been one a moment ago. */
    static synchronized boolean areRecent() {
        if (FILE == null) {
            return false;
        }
        long now = System.nanoTime();
        long count = count();
        if (counted >= 0 && count > counted) {
            hasRisen = true;
            roseAt = now;
        }
        counted = count;
        return hasRisen && now - roseAt < RECENT_NANOSECONDS;
    }

    private static long count() {
        try {
            for (String line : Files.readAllLines(FILE, StandardCharsets.UTF_8)) {
                if (line.startsWith(NAME)) {
                    return Long.parseLong(line.substring(NAME.length()).trim());
                }
            }
        } catch (IOException | NumberFormatException error) {
            return counted; // it is as if there had been none
        }
        return counted;
    }
}
