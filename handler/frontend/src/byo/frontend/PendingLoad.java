package byo.frontend;

import com.amazonaws.ml.mms.wlm.ModelManager;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.util.concurrent.TimeUnit;

/**
 * A LOAD, or a change of a model's workers, that the frontend has begun and not answered, and now and
 * then a look whether it will.
 *
 * <p>Where a model is unloaded meanwhile, the frontend's thread may fail before it has told
 * anybody, and it is never answered. It is answered here once the model has been gone for a while.
 */
final class PendingLoad {

    private static final long LOOK_SECONDS = 1;

    private final ChannelHandlerContext context;
    private final HttpRequest head;
    private final String model;
    private boolean isAnswered;
    private boolean wasGone;

    PendingLoad(ChannelHandlerContext context, HttpRequest request, String model) {
        this.context = context;
        this.head =
                new DefaultHttpRequest(request.protocolVersion(), request.method(), request.uri());
        this.model = model;
    }

    /** The frontend has answered, or there is nobody to answer to any more. */
    void answered() {
        isAnswered = true;
    }

    /** Called once the frontend has registered the model, or refused to. */
    void watch() {
        if (!isAnswered) {
            context.executor().schedule(this::look, LOOK_SECONDS, TimeUnit.SECONDS);
        }
    }

    private void look() {
        boolean isGone = !ModelManager.getInstance().getModels().containsKey(model);
        if (!isAnswered && isGone && wasGone) {
            giveUp();
        }
        wasGone = isGone;
        watch();
    }

    private void giveUp() {
        Answer answer =
                Answer.problem(
                        HttpResponseStatus.INTERNAL_SERVER_ERROR,
                        "the model was unloaded while its workers were being started");
        context.writeAndFlush(answer.response(context.channel(), head, true))
                .addListener(ChannelFutureListener.CLOSE);
        isAnswered = true;
    }
}
