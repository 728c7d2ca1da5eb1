using System.Runtime.InteropServices;
using Lorq.Runtime.Sessions;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Runtime;

/// <summary>
/// A model that is ready to run: ONNX Runtime with Lorq's operators registered, inputs and outputs checked by name before anything runs, memory of the caller's used in place.
/// Any model of ONNX Runtime loads, compressed by Lorq or not. All members may be used from several threads at a time.
/// </summary>
public sealed partial class LorqSession : IDisposable
{
    private readonly InferenceSession session;
    private readonly Signature signature;
    private readonly AdapterTable adapters = new();
    private readonly Lifetime lifetime;
    private readonly bool checkNames;

    private LorqSession(string name, bool verified, LorqSessionOptions options, Func<SessionOptions, InferenceSession> open)
    {
        IsVerified = verified;
        checkNames = options.CheckDimensionNames;
        (session, Provider, ProviderNotes) = ProviderFallback.Open(options, open);
        signature = new Signature(name, session);
        lifetime = new Lifetime(Release);
    }

    /// <summary>Loads a model from a file.</summary>
    /// <param name="path">The model. Its external data, if any, lies where it refers to.</param>
    /// <param name="options">How; null: on the CPU, the manifest checked where there is one.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="ManifestException">The file is not what its manifest says.</exception>
    /// <exception cref="ArgumentException">An argument is null or empty, or the options list no execution provider.</exception>
    /// <exception cref="ProviderException">No listed execution provider can be used.</exception>
    /// <exception cref="OnnxRuntimeException">ONNX Runtime refuses the model.</exception>
    public static LorqSession Load(string path, LorqSessionOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"There is no model '{path}'.", path);
        }
        options ??= new();
        bool verified = ManifestReader.Check(path, options);
        return new($"'{Path.GetFileName(path)}'", verified, options, o => new InferenceSession(path, o));
    }

    /// <summary>Loads a model from memory, which is not needed any more afterwards.</summary>
    /// <param name="model">The content of a model file. External data is not found from memory.</param>
    /// <param name="options">How; see <see cref="Load(string, LorqSessionOptions)"/>.</param>
    /// <inheritdoc cref="Load(string, LorqSessionOptions)"/>
    public static LorqSession Load(ReadOnlyMemory<byte> model, LorqSessionOptions? options = null)
    {
        options ??= new();
        bool verified = ManifestReader.Check(model, options);
        byte[] bytes =
            MemoryMarshal.TryGetArray(model, out ArraySegment<byte> segment)
            && segment.Offset == 0
            && segment.Count == segment.Array!.Length
                ? segment.Array
                : model.ToArray();
        return new("the model", verified, options, o => new InferenceSession(bytes, o));
    }

    /// <summary>Loads a model from a stream, e.g. an embedded resource, which is read to its end and stays open.</summary>
    /// <param name="model">The content of a model file, from the stream's position on.</param>
    /// <param name="options">How; see <see cref="Load(string, LorqSessionOptions)"/>.</param>
    /// <inheritdoc cref="Load(string, LorqSessionOptions)"/>
    public static LorqSession Load(Stream model, LorqSessionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        return Load(Content(model), options);
    }

    /// <summary>The inputs that every call gives, in the model's order.</summary>
    public IReadOnlyList<TensorInfo> Inputs => signature.Inputs;

    /// <summary>The inputs that a call may leave out: those of an optional type, stated by what they hold, and those with a value in the model, which a call may replace.</summary>
    public IReadOnlyList<TensorInfo> OptionalInputs => signature.OptionalInputs;

    /// <summary>The outputs, in the model's order.</summary>
    public IReadOnlyList<TensorInfo> Outputs => signature.Outputs;

    /// <summary>The first execution provider that is used. Nodes that it does not take run on those listed behind it, and on the CPU.</summary>
    public ExecutionProvider Provider { get; }

    /// <summary>The providers that were asked for and are not used, and why.</summary>
    public IReadOnlyList<ProviderNote> ProviderNotes { get; }

    /// <summary>Whether the model was compared with its manifest and is the file that it describes.</summary>
    public bool IsVerified { get; }

    /// <summary>The names of the loaded adapters, in alphabetical order.</summary>
    public IReadOnlyList<string> Adapters => adapters.Names;

    /// <summary>Loads an adapter (<c>.onnx_adapter</c>), which calls then apply by <see cref="LorqRunOptions.Adapters"/>. It replaces one of the same name; calls that run keep the old one.</summary>
    /// <param name="name">The name to call it by.</param>
    /// <param name="path">The file.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="OnnxRuntimeException">It is no adapter.</exception>
    /// <exception cref="ObjectDisposedException">The session is disposed.</exception>
    public void LoadAdapter(string name, string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"There is no adapter '{path}'.", path);
        }
        SetAdapter(name, () => OrtLoraAdapter.Create(path, null));
    }

    /// <summary>Loads an adapter from memory, which is copied.</summary>
    /// <param name="name">The name to call it by.</param>
    /// <param name="adapter">The content of an <c>.onnx_adapter</c> file.</param>
    /// <exception cref="OnnxRuntimeException">It is no adapter.</exception>
    /// <exception cref="ObjectDisposedException">The session is disposed.</exception>
    public void LoadAdapter(string name, ReadOnlyMemory<byte> adapter) =>
        SetAdapter(name, () => OrtLoraAdapter.Create(adapter.ToArray(), null));

    /// <summary>Loads an adapter from a stream, e.g. an embedded resource, which is read to its end and stays open.</summary>
    /// <param name="name">The name to call it by.</param>
    /// <param name="adapter">The content of an <c>.onnx_adapter</c> file, from the stream's position on.</param>
    /// <exception cref="OnnxRuntimeException">It is no adapter.</exception>
    /// <exception cref="ObjectDisposedException">The session is disposed.</exception>
    public void LoadAdapter(string name, Stream adapter)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        LoadAdapter(name, Content(adapter));
    }

    /// <summary>Removes an adapter; calls that run keep it to their end.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>Whether there was one.</returns>
    public bool RemoveAdapter(string name) => adapters.Remove(name);

    /// <summary>Closes the session. Calls that run end normally, the last of them frees the model; later calls throw. Does not wait.</summary>
    public void Dispose() => lifetime.Close();

    private static ReadOnlyMemory<byte> Content(Stream stream)
    {
        using var copy = new MemoryStream(stream.CanSeek ? checked((int)(stream.Length - stream.Position)) : 0);
        stream.CopyTo(copy);
        return copy.GetBuffer().AsMemory(0, (int)copy.Length);
    }

    private void SetAdapter(string name, Func<OrtLoraAdapter> create)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Enter();
        try
        {
            adapters.Set(name, create());
        }
        finally
        {
            lifetime.Exit();
        }
    }

    private void Enter() => ObjectDisposedException.ThrowIf(!lifetime.TryEnter(), this);

    private void Release()
    {
        adapters.Dispose();
        session.Dispose();
    }
}
