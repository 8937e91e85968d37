package byo.frontend;

import com.amazonaws.ml.mms.wlm.ModelManager;
import io.netty.util.concurrent.EventExecutor;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An UNLOAD that waits for the invocations that were accepted before it, within a bound.
 *
 * <p>One begins with ModelTraffic.begin, goes on to the frontend once (go), and has ended when the
 * frontend has answered it. Where its client does not wait that long, it is done nevertheless.
 */
final class Unload implements UnloadGate.UnderWay {

    private static final Logger LOG = LoggerFactory.getLogger(Unload.class);

    /** What takes longer than an invocation may is answered by its worker, a moment later. */
    private static final long LONGEST_SECONDS = Long.getLong("byo.timeout", 60) + 5;

    final String model;
    private final EventExecutor executor;
    private final Runnable toFrontend;
    private final AtomicBoolean isGoing = new AtomicBoolean();
    private Future<?> bound;
    private boolean isPassed;
    private boolean hasClient = true;

    /**
     * @param executor the thread of the connection that it came on; all but `go` is called in it
     * @param toFrontend has the frontend do it and answer
     */
    Unload(String model, EventExecutor executor, Runnable toFrontend) {
        this.model = model;
        this.executor = executor;
        this.toFrontend = toFrontend;
    }

    /** It waits from now on. */
    void waits() {
        bound = executor.schedule(this::giveUp, LONGEST_SECONDS, TimeUnit.SECONDS);
    }

    /** Nothing is under way any more: it is the frontend's turn. */
    void go() {
        if (isGoing.compareAndSet(false, true)) {
            executor.execute(this::pass);
        }
    }

    private void pass() {
        if (bound != null) {
            bound.cancel(false);
        }
        isPassed = true;
        if (hasClient) {
            toFrontend.run();
        } else {
            ModelManager.getInstance().submitTask(this::doAlone);
        }
    }

    /** As the frontend would, on a thread that may wait. */
    private void doAlone() {
        try {
            LoadWatch.unloading(model);
            ModelManager.getInstance().unregisterModel(model);
        } finally {
            ModelTraffic.ended(this);
        }
    }

    private void giveUp() {
        List<Invocation> late = ModelTraffic.invocationsOf(model);
        LOG.warn("model {} is unloaded, though {} invocations were still under way {} s later:"
                + " answered with 503", model, late.size(), LONGEST_SECONDS);
        for (Invocation one : late) {
            one.giveUp("the model is being unloaded, and this was not answered within "
                    + LONGEST_SECONDS + " s of that");
        }
        go();
    }

    @Override
    public void answered() {
        ModelTraffic.ended(this);
    }

    @Override
    public void clientLeft() {
        hasClient = false;
        if (isPassed) {
            ModelTraffic.ended(this);
        }
    }
}
