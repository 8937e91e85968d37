package byo.frontend;

import com.amazonaws.ml.mms.wlm.Model;
import com.amazonaws.ml.mms.wlm.ModelManager;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;

/** An invocation that was accepted for a model that was loaded then. */
final class Invocation implements UnloadGate.UnderWay {

    final String model;
    final HttpRequest head;
    private final UnloadGate gate;
    private Model loaded; // null until it has been seen

    Invocation(String model, HttpRequest head, UnloadGate gate) {
        this.model = model;
        this.head = head;
        this.gate = gate;
        loaded = ModelManager.getInstance().getModels().get(model);
    }

    /** Whether the model that it was accepted for is there no more, if perhaps another of its name. */
    synchronized boolean isLost() {
        Model known = ModelManager.getInstance().getModels().get(model);
        if (loaded == null) {
            loaded = known;
        }
        return known == null || known != loaded;
    }

    /** Answer it with 503, as the model won't any more. */
    void giveUp(String reason) {
        gate.giveUp(this, Answer.problem(HttpResponseStatus.SERVICE_UNAVAILABLE, reason));
    }

    @Override
    public void answered() {
        ModelTraffic.ended(this);
    }

    @Override
    public void clientLeft() {
        ModelTraffic.ended(this);
    }
}
