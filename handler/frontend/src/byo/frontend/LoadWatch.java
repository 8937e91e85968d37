package byo.frontend;

import com.amazonaws.ml.mms.util.JsonUtils;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.util.CharsetUtil;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

/**
 * Reads in passing what a model is loaded as, and watches over each LOAD and each change of a model's
 * workers until it is answered.
 */
final class LoadWatch extends ChannelDuplexHandler {

    private static final int LONGEST_DOCUMENT = 64 * 1024;

    /** For each request on this connection that is not answered: what starts workers, if it does. */
    private final Deque<Optional<PendingLoad>> underWay = new ArrayDeque<>();

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
        if (!(message instanceof FullHttpRequest)) {
            context.fireChannelRead(message);
            return;
        }
        FullHttpRequest request = (FullHttpRequest) message;
        Target target = request.decoderResult().isSuccess() ? Target.of(request) : null;
        Answer refusal = target == null ? null : LoadDocument.refusal(request, target);
        if (refusal != null) {
            refusal.send(context, request);
            request.release();
            return;
        }
        String loaded = target != null && target.isManagement() ? note(request, target) : null;
        Optional<PendingLoad> load =
                Optional.ofNullable(loaded).map(name -> new PendingLoad(context, request, name));
        underWay.add(load);
        context.fireChannelRead(message);
        load.ifPresent(PendingLoad::watch);
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
        if (message instanceof HttpResponse) {
            int status = ((HttpResponse) message).status().code();
            if (status >= HttpResponseStatus.OK.code() && !underWay.isEmpty()) {
                underWay.remove().ifPresent(PendingLoad::answered);
            }
        }
        context.write(message, promise);
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        underWay.forEach(load -> load.ifPresent(PendingLoad::answered));
        underWay.clear();
        context.fireChannelInactive();
    }

    /** The name of the model that a request loads or scales, or null. */
    private static String note(FullHttpRequest request, Target target) {
        String managed = target.managedModel();
        if (HttpMethod.DELETE.equals(request.method()) && managed != null) {
            unloading(managed);
        } else if (HttpMethod.POST.equals(request.method()) && managed == null) {
            String name = nameIn(request, target);
            if (name != null) {
                TargetModels.loading(name, request.headers().get(TargetModels.HEADER));
            }
            return name;
        } else if (HttpMethod.PUT.equals(request.method())) {
            return managed;
        }
        return null;
    }

    /** A model is about to be unloaded. */
    static void unloading(String model) {
        TargetModels.unloading(model);
        Backlog.forget(model);
    }

    /** The name under which a LOAD loads, or null. */
    static String nameIn(FullHttpRequest request, Target target) {
        int length = request.content().readableBytes();
        if (length == 0 || length > LONGEST_DOCUMENT) {
            return target.parameter("model_name");
        }
        try {
            String text = request.content().toString(CharsetUtil.UTF_8);
            JsonObject document = JsonUtils.GSON.fromJson(text, JsonObject.class);
            JsonElement name = document == null ? null : document.get("model_name");
            return name != null && name.isJsonPrimitive() ? name.getAsString() : null;
        } catch (JsonParseException error) {
            return null;
        }
    }
}
