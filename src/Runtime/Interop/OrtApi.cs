using System.Runtime.InteropServices;
using System.Text;

namespace Lorq.Runtime.Interop;

/// <summary>
/// The functions of ONNX Runtime's C interface that the operators need, called by their index in the function table. An index never changes;
/// a test compares them with the header of the package.
/// </summary>
internal sealed unsafe partial class OrtApi
{
    /// <summary>The oldest interface that has every function used here.</summary>
    public const uint Version = 20;

    private static readonly Lazy<OrtApi> Loaded = new(() => new OrtApi(OrtGetApiBase()));

    private readonly nint* table;

    /// <summary>The interface behind an <c>OrtApiBase</c>, as ONNX Runtime passes it to a library of operators.</summary>
    /// <exception cref="NotSupportedException">ONNX Runtime is too old.</exception>
    public OrtApi(nint apiBase)
    {
        // struct OrtApiBase { const OrtApi* (*GetApi)(uint32_t); const char* (*GetVersionString)(); }
        nint* api = (nint*)((delegate* unmanaged<uint, nint>)*(nint*)apiBase)(Version);
        table = api is not null
            ? api
            : throw new NotSupportedException(
                $"ONNX Runtime is too old: its C interface has no version {Version} (ONNX Runtime 1.{Version})."
            );
    }

    /// <summary>The interface of the ONNX Runtime that the C# package loads.</summary>
    public static OrtApi Current => Loaded.Value;

    /// <summary>The address of the function table: one per loaded ONNX Runtime.</summary>
    public nint Table => (nint)table;

    /// <summary>Makes a status that carries an error.</summary>
    public nint CreateStatus(OrtErrorCode code, string message)
    {
        fixed (byte* utf8 = Encoding.UTF8.GetBytes(message + '\0'))
        {
            return ((delegate* unmanaged<int, byte*, nint>)table[(int)Slot.CreateStatus])((int)code, utf8);
        }
    }

    /// <summary>Makes a status of an exception, which must not pass into native code.</summary>
    public nint CreateStatus(Exception e) =>
        e is NodeException
            ? CreateStatus(OrtErrorCode.InvalidArgument, e.Message)
            : CreateStatus(OrtErrorCode.Fail, $"{e.GetType().Name}: {e.Message}");

    /// <summary>Throws what a status carries; frees it.</summary>
    public void Check(nint status)
    {
        if (status != 0)
        {
            string message =
                Marshal.PtrToStringUTF8(((delegate* unmanaged<nint, nint>)table[(int)Slot.GetErrorMessage])(status)) ?? "unknown error";
            Release(status);
            throw new InvalidOperationException(message);
        }
    }

    /// <summary>Makes an operator domain, which lives until the process ends.</summary>
    public nint CreateDomain(byte* name)
    {
        nint domain;
        Check(((delegate* unmanaged<byte*, nint*, nint>)table[(int)Slot.CreateCustomOpDomain])(name, &domain));
        return domain;
    }

    /// <summary>Adds an operator to a domain.</summary>
    public void AddOperator(nint domain, OrtCustomOp* op) =>
        Check(((delegate* unmanaged<nint, OrtCustomOp*, nint>)table[(int)Slot.CustomOpDomainAdd])(domain, op));

    /// <summary>Adds a domain to session options.</summary>
    public void AddDomain(nint options, nint domain) =>
        Check(((delegate* unmanaged<nint, nint, nint>)table[(int)Slot.AddCustomOpDomain])(options, domain));

    /// <summary>An entry of session options, or null where they have none of this name.</summary>
    public string? ConfigEntry(nint options, ReadOnlySpan<byte> name)
    {
        var get = (delegate* unmanaged<nint, byte*, byte*, nuint*, nint>)table[(int)Slot.GetSessionConfigEntry];
        fixed (byte* key = name)
        {
            int has;
            Check(((delegate* unmanaged<nint, byte*, int*, nint>)table[(int)Slot.HasSessionConfigEntry])(options, key, &has));
            if (has == 0)
            {
                return null;
            }
            nuint size = 0;
            Check(get(options, key, null, &size));
            byte[] utf8 = new byte[(int)size];
            fixed (byte* value = utf8)
            {
                Check(get(options, key, value, &size));
            }
            return Encoding.UTF8.GetString(utf8).TrimEnd('\0');
        }
    }

    /// <summary>An attribute of a node, or null where it has none.</summary>
    public long? Attribute(nint info, ReadOnlySpan<byte> name)
    {
        fixed (byte* utf8 = name)
        {
            long value;
            nint status = ((delegate* unmanaged<nint, byte*, long*, nint>)table[(int)Slot.KernelInfoGetAttributeInt64])(info, utf8, &value);
            Release(status);
            return status == 0 ? value : null;
        }
    }

    /// <summary>A list of integers of a node, or null where it has none.</summary>
    public long[]? Attributes(nint info, ReadOnlySpan<byte> name)
    {
        var get = (delegate* unmanaged<nint, byte*, long*, nuint*, nint>)table[(int)Slot.KernelInfoGetAttributeArrayInt64];
        fixed (byte* utf8 = name)
        {
            nuint count = 0;
            nint status = get(info, utf8, null, &count);
            if (status != 0)
            {
                Release(status);
                return null;
            }
            long[] values = new long[(int)count];
            fixed (long* p = values)
            {
                Check(get(info, utf8, p, &count));
            }
            return values;
        }
    }

    /// <summary>The node's name.</summary>
    public string NodeName(nint info)
    {
        nuint size = 0;
        var get = (delegate* unmanaged<nint, byte*, nuint*, nint>)table[(int)Slot.KernelInfoGetNodeName];
        Release(get(info, null, &size));
        byte[] utf8 = new byte[(int)size];
        fixed (byte* p = utf8)
        {
            Check(get(info, p, &size));
        }
        return Encoding.UTF8.GetString(utf8).TrimEnd('\0');
    }

    /// <summary>Whether the node has an input in a slot.</summary>
    public bool HasInput(nint info, int index)
    {
        nuint count;
        Check(((delegate* unmanaged<nint, nuint*, nint>)table[(int)Slot.KernelInfoGetInputCount])(info, &count));
        if ((nuint)index >= count)
        {
            return false;
        }
        nuint size = 0;
        nint status = ((delegate* unmanaged<nint, nuint, byte*, nuint*, nint>)table[(int)Slot.KernelInfoGetInputName])(
            info,
            (nuint)index,
            null,
            &size
        );
        Release(status);
        return size > 1; // with the closing zero
    }

    /// <summary>A constant input of a node; 0 where it is none.</summary>
    public nint ConstantInput(nint info, int index)
    {
        int isConstant;
        nint value;
        Check(
            ((delegate* unmanaged<nint, nuint, int*, nint*, nint>)table[(int)Slot.KernelInfoGetConstantInputTensor])(
                info,
                (nuint)index,
                &isConstant,
                &value
            )
        );
        return isConstant != 0 ? value : 0;
    }

    /// <summary>An input of a running node; 0 where it has none.</summary>
    public nint Input(nint context, int index)
    {
        nint value;
        Check(((delegate* unmanaged<nint, nuint, nint*, nint>)table[(int)Slot.KernelContextGetInput])(context, (nuint)index, &value));
        return value;
    }

    /// <summary>The number of inputs of a running node, absent ones in the middle included.</summary>
    public int InputCount(nint context)
    {
        nuint count;
        Check(((delegate* unmanaged<nint, nuint*, nint>)table[(int)Slot.KernelContextGetInputCount])(context, &count));
        return (int)count;
    }

    /// <summary>Allocates the output of a running node.</summary>
    public nint Output(nint context, int index, ReadOnlySpan<long> dims)
    {
        fixed (long* p = dims)
        {
            nint value;
            Check(
                ((delegate* unmanaged<nint, nuint, long*, nuint, nint*, nint>)table[(int)Slot.KernelContextGetOutput])(
                    context,
                    (nuint)index,
                    p,
                    (nuint)dims.Length,
                    &value
                )
            );
            return value;
        }
    }

    /// <summary>The elements of a tensor.</summary>
    public void* Data(nint value)
    {
        void* data;
        Check(((delegate* unmanaged<nint, void**, nint>)table[(int)Slot.GetTensorMutableData])(value, &data));
        return data;
    }

    /// <summary>The element type and shape of a tensor.</summary>
    public (OrtElementType Type, long[] Dims) Shape(nint value)
    {
        nint info;
        Check(((delegate* unmanaged<nint, nint*, nint>)table[(int)Slot.GetTensorTypeAndShape])(value, &info));
        try
        {
            return ShapeOf(info);
        }
        finally
        {
            ReleaseShape(info);
        }
    }

    /// <summary>The element type and shape that type inference knows of an input.</summary>
    public (OrtElementType Type, InferredDimension[] Dims) InferredShape(nint context, int index)
    {
        nint info; // owned by the context, and the names in it too
        Check(
            ((delegate* unmanaged<nint, nuint, nint*, nint>)table[(int)Slot.ShapeInferContextGetInputTypeShape])(
                context,
                (nuint)index,
                &info
            )
        );
        (OrtElementType type, long[] lengths) = ShapeOf(info);
        var names = new nint[lengths.Length];
        fixed (nint* p = names)
        {
            Check(((delegate* unmanaged<nint, nint*, nuint, nint>)table[(int)Slot.GetSymbolicDimensions])(info, p, (nuint)names.Length));
        }
        return (type, [.. lengths.Select((n, i) => new InferredDimension(n, names[i]))]);
    }

    /// <summary>An integer attribute during type inference, or null where the node has none.</summary>
    public long? InferredAttribute(nint context, ReadOnlySpan<byte> name)
    {
        const int Int = 1; // ORT_OP_ATTR_INT
        fixed (byte* utf8 = name)
        {
            nint attribute;
            nint status = ((delegate* unmanaged<nint, byte*, nint*, nint>)table[(int)Slot.ShapeInferContextGetAttribute])(
                context,
                utf8,
                &attribute
            );
            if (status != 0)
            {
                Release(status);
                return null;
            }
            long value;
            nuint size;
            status = ((delegate* unmanaged<nint, int, void*, nuint, nuint*, nint>)table[(int)Slot.ReadOpAttr])(
                attribute,
                Int,
                &value,
                sizeof(long),
                &size
            );
            Release(status);
            return status == 0 ? value : null;
        }
    }

    /// <summary>Tells type inference an output's element type and shape.</summary>
    /// <param name="context">The context.</param>
    /// <param name="index">Of the output.</param>
    /// <param name="type">Its element type.</param>
    /// <param name="dims">Its dimensions; each has a length or a name: ONNX Runtime would take −1 for a length, and fold it into whatever reshapes by it.</param>
    public void SetInferredShape(nint context, int index, OrtElementType type, ReadOnlySpan<InferredDimension> dims)
    {
        var lengths = new long[dims.Length];
        var names = new nint[dims.Length];
        nint info;
        Check(((delegate* unmanaged<nint*, nint>)table[(int)Slot.CreateTensorTypeAndShapeInfo])(&info));
        try
        {
            fixed (byte* none = "\0"u8)
            fixed (long* length = lengths)
            fixed (nint* name = names)
            {
                for (int i = 0; i < dims.Length; i++)
                {
                    lengths[i] = dims[i].Length;
                    names[i] = dims[i].Length < 0 ? dims[i].Name : (nint)none;
                }
                Check(((delegate* unmanaged<nint, int, nint>)table[(int)Slot.SetTensorElementType])(info, (int)type));
                Check(((delegate* unmanaged<nint, long*, nuint, nint>)table[(int)Slot.SetDimensions])(info, length, (nuint)dims.Length));
                Check(
                    ((delegate* unmanaged<nint, nint*, nuint, nint>)table[(int)Slot.SetSymbolicDimensions])(info, name, (nuint)dims.Length)
                );
                Check(
                    ((delegate* unmanaged<nint, nuint, nint, nint>)table[(int)Slot.ShapeInferContextSetOutputTypeShape])(
                        context,
                        (nuint)index,
                        info
                    )
                );
            }
        }
        finally
        {
            ReleaseShape(info);
        }
    }

    /// <summary>Calls a function for every index below <paramref name="total"/> on the session's threads.</summary>
    public void ParallelFor(nint context, delegate* unmanaged<void*, nuint, void> function, int total, void* state) =>
        Check(
            (
                (delegate* unmanaged<nint, delegate* unmanaged<void*, nuint, void>, nuint, nuint, void*, nint>)
                    table[(int)Slot.KernelContextParallelFor]
            )(context, function, (nuint)total, 0, state)
        );

    private (OrtElementType, long[]) ShapeOf(nint info)
    {
        int type;
        nuint count;
        Check(((delegate* unmanaged<nint, int*, nint>)table[(int)Slot.GetTensorElementType])(info, &type));
        Check(((delegate* unmanaged<nint, nuint*, nint>)table[(int)Slot.GetDimensionsCount])(info, &count));
        long[] dims = new long[(int)count];
        fixed (long* p = dims)
        {
            Check(((delegate* unmanaged<nint, long*, nuint, nint>)table[(int)Slot.GetDimensions])(info, p, count));
        }
        return ((OrtElementType)type, dims);
    }

    private void Release(nint status)
    {
        if (status != 0)
        {
            ((delegate* unmanaged<nint, void>)table[(int)Slot.ReleaseStatus])(status);
        }
    }

    private void ReleaseShape(nint info) => ((delegate* unmanaged<nint, void>)table[(int)Slot.ReleaseTensorTypeAndShapeInfo])(info);

    [LibraryImport("onnxruntime")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories | DllImportSearchPath.AssemblyDirectory)]
    private static partial nint OrtGetApiBase();
}
