using System.Runtime.InteropServices;
using System.Text;

namespace Lorq.Runtime.Interop;

/// <summary>A node of a session: made when the session is, run when the session runs, on any thread.</summary>
internal interface INodeKernel : IDisposable
{
    /// <summary>Computes the outputs.</summary>
    void Compute(nint context);
}

/// <summary>A fault of a node, with the node's name in the message.</summary>
internal sealed class NodeException(string message) : Exception(message);

/// <summary>An operator of the domain: what it takes and gives, and how its nodes are made.</summary>
/// <param name="api">The ONNX Runtime that it is registered with.</param>
internal abstract unsafe class CustomOperator(OrtApi api)
{
    private GCHandle self;
    private int unknown;

    /// <summary>The ONNX Runtime that it is registered with.</summary>
    protected OrtApi Api { get; } = api;

    /// <summary>The operator's name.</summary>
    public abstract string Name { get; }

    /// <summary>Element types of all input slots.</summary>
    public abstract IReadOnlyList<OrtElementType> Inputs { get; }

    /// <summary>How many of the first inputs are required.</summary>
    public abstract int Required { get; }

    /// <summary>Element type of the output; <see cref="OrtElementType.Any"/> where inference says it.</summary>
    public abstract OrtElementType Output { get; }

    /// <summary>Makes a node's kernel.</summary>
    public abstract INodeKernel Create(nint info);

    /// <summary>Tells type inference about the output.</summary>
    public abstract void InferShape(nint context);

    /// <summary>
    /// Tells type inference the output's element type, which ONNX Runtime takes with a shape only. A dimension of which nothing is known gets a name
    /// that no other has.
    /// </summary>
    protected void SetOutput(nint context, OrtElementType type, InferredDimension[] dims)
    {
        var names = new List<nint>();
        try
        {
            for (int i = 0; i < dims.Length; i++)
            {
                if (dims[i].IsUnknown)
                {
                    names.Add(Marshal.StringToCoTaskMemUTF8($"ai.lorq.{Name}.{Interlocked.Increment(ref unknown)}"));
                    dims[i] = dims[i] with { Name = names[^1] };
                }
            }
            Api.SetInferredShape(context, 0, type, dims);
        }
        finally
        {
            names.ForEach(Marshal.FreeCoTaskMem);
        }
    }

    /// <summary>The structure for ONNX Runtime, which lives until the process ends.</summary>
    public OrtCustomOp* Describe()
    {
        self = GCHandle.Alloc(this);
        byte[] utf8 = Encoding.UTF8.GetBytes(Name + '\0');
        byte* name = (byte*)NativeMemory.Alloc((nuint)utf8.Length);
        utf8.CopyTo(new Span<byte>(name, utf8.Length));
        var op = (Description*)NativeMemory.AllocZeroed((nuint)sizeof(Description));
        op->Name = name;
        op->Op = new OrtCustomOp
        {
            Version = OrtApi.Version,
            GetName = &GetName,
            GetExecutionProviderType = &GetProvider,
            GetInputType = &GetInputType,
            GetInputTypeCount = &GetInputCount,
            GetOutputType = &GetOutputType,
            GetOutputTypeCount = &One,
            KernelDestroy = &Destroy,
            GetInputCharacteristic = &GetInputCharacteristic,
            GetOutputCharacteristic = &Zero,
            GetInputMemoryType = &Zero,
            CreateKernelV2 = &CreateKernel,
            KernelComputeV2 = &Compute,
            InferOutputShape = &InferOutputShape,
            GetStartVersion = &FirstVersion,
            GetEndVersion = &LastVersion,
            Operator = GCHandle.ToIntPtr(self),
        };
        return &op->Op;
    }

    private struct Description
    {
        public OrtCustomOp Op;
        public byte* Name;
    }

    private static CustomOperator Of(OrtCustomOp* op) => (CustomOperator)GCHandle.FromIntPtr(op->Operator).Target!;

    [UnmanagedCallersOnly]
    private static byte* GetName(OrtCustomOp* op) => ((Description*)op)->Name;

    [UnmanagedCallersOnly]
    private static byte* GetProvider(OrtCustomOp* op) => null; // the CPU

    [UnmanagedCallersOnly]
    private static int GetInputType(OrtCustomOp* op, nuint index) => (int)Of(op).Inputs[(int)index];

    [UnmanagedCallersOnly]
    private static nuint GetInputCount(OrtCustomOp* op) => (nuint)Of(op).Inputs.Count;

    [UnmanagedCallersOnly]
    private static int GetOutputType(OrtCustomOp* op, nuint index) => (int)Of(op).Output;

    [UnmanagedCallersOnly]
    private static int GetInputCharacteristic(OrtCustomOp* op, nuint index) => (int)index < Of(op).Required ? 0 : 1;

    [UnmanagedCallersOnly]
    private static nuint One(OrtCustomOp* op) => 1;

    [UnmanagedCallersOnly]
    private static int Zero(OrtCustomOp* op, nuint index) => 0;

    [UnmanagedCallersOnly]
    private static int FirstVersion(OrtCustomOp* op) => 1;

    [UnmanagedCallersOnly]
    private static int LastVersion(OrtCustomOp* op) => int.MaxValue;

    [UnmanagedCallersOnly]
    private static nint CreateKernel(OrtCustomOp* op, nint api, nint info, nint* kernel)
    {
        try
        {
            *kernel = GCHandle.ToIntPtr(GCHandle.Alloc(new Node(Of(op).Create(info), Of(op).Api)));
            return 0;
        }
#pragma warning disable CA1031 // Nothing managed may pass into native code.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return Of(op).Api.CreateStatus(e);
        }
    }

    [UnmanagedCallersOnly]
    private static nint Compute(nint kernel, nint context)
    {
        var node = (Node)GCHandle.FromIntPtr(kernel).Target!;
        try
        {
            node.Kernel.Compute(context);
            return 0;
        }
#pragma warning disable CA1031 // Nothing managed may pass into native code.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return node.Api.CreateStatus(e);
        }
    }

    [UnmanagedCallersOnly]
    private static nint InferOutputShape(OrtCustomOp* op, nint context)
    {
        try
        {
            Of(op).InferShape(context);
        }
#pragma warning disable CA1031 // Inference is help only: what is wrong with a node, its creation says.
        catch (Exception)
#pragma warning restore CA1031
        { }
        return 0;
    }

    [UnmanagedCallersOnly]
    private static void Destroy(nint kernel)
    {
        var handle = GCHandle.FromIntPtr(kernel);
        ((Node)handle.Target!).Kernel.Dispose();
        handle.Free();
    }

    private sealed record Node(INodeKernel Kernel, OrtApi Api);
}
