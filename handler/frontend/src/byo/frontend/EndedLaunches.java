package byo.frontend;

import com.amazonaws.ml.mms.wlm.Model;
import com.amazonaws.ml.mms.wlm.ModelManager;
import com.amazonaws.ml.mms.wlm.WorkerThread;
import java.lang.reflect.Field;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers a LOAD at once whose launcher has ended before it said that it has started.
 *
 * <p>The frontend's thread that waits for the launcher then fails before it has told anybody, and
 * LOAD waits for a minute, in one of the few threads that all clients' connections are served by.
 * What it waits for is completed here as it would be at the end of that minute: it answers 500, and
 * the model is forgotten.
 */
final class EndedLaunches {

    private static final Logger LOGGER = LoggerFactory.getLogger(EndedLaunches.class);

    private static final long LOOK_MILLISECONDS = 100;

    /** What the launcher said before it ended may still be on its way for so long. */
    private static final long SAID_NANOSECONDS = TimeUnit.MILLISECONDS.toNanos(500);

    private Map<WorkerThread, Long> endedAt = new HashMap<>();

    private EndedLaunches() {}

    /** Begin to look. */
    static void begin() {
        Looks.begin(
                "ended-launches",
                LOOK_MILLISECONDS,
                new EndedLaunches()::look,
                "LOADs whose launcher ends are answered after a minute only");
    }

    private void look() throws ReflectiveOperationException {
        ModelManager models = ModelManager.getInstance();
        if (models == null) {
            return; // it is there once the frontend has begun
        }
        Map<WorkerThread, Long> before = endedAt;
        endedAt = new HashMap<>();
        long now = System.nanoTime();
        for (Model model : models.getModels().values()) {
            WorkerThread server = model.getServerThread();
            if (!hasEndedEarly(server)) {
                continue;
            }
            long since = before.getOrDefault(server, now);
            endedAt.put(server, since);
            if (now - since >= SAID_NANOSECONDS && giveUp(server)) {
                LOGGER.warn("model {} is not loaded: its launcher was ended", model.getModelName());
            }
        }
    }

    /** Whether its process has ended and nobody was told anything: it has no state at all. */
    private static boolean hasEndedEarly(WorkerThread server) {
        if (server == null || server.getState() != null) {
            return false;
        }
        Process process = server.getLifeCycle().getProcess();
        return process != null && !process.isAlive();
    }

    /** Complete what LOAD waits for; whether it was still waiting. */
    private static boolean giveUp(WorkerThread server) throws ReflectiveOperationException {
        Object awaited = valueOf(valueOf(server, "listener"), "future");
        String reason = "the launcher has ended before it started the model's process";
        return ((CompletableFuture<?>) awaited)
                .completeExceptionally(new IllegalStateException(reason));
    }

    private static Object valueOf(Object holder, String name) throws ReflectiveOperationException {
        Field field = holder.getClass().getDeclaredField(name);
        field.setAccessible(true);
        return field.get(holder);
    }
}
