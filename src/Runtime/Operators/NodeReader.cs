using Lorq.Runtime.Cpu;
using Lorq.Runtime.Interop;

namespace Lorq.Runtime.Operators;

/// <summary>Reads a node's attributes and constant inputs while its kernel is made; what is wrong is said with the node's name.</summary>
internal sealed unsafe class NodeReader(OrtApi api, nint info, string operatorName)
{
    /// <summary>How messages call the node.</summary>
    public string Node { get; } = $"{LorqOperators.Domain}::{operatorName} node '{api.NodeName(info)}'";

    /// <summary>A fault of this node.</summary>
    public NodeException Fault(string what) => new($"{Node}: {what}");

    /// <summary>An attribute that fits an int.</summary>
    /// <param name="name">Its name, zero-terminated.</param>
    /// <param name="label">Its name for messages.</param>
    /// <param name="fallback">Its value where the node has none; null where it is required.</param>
    public int Attribute(ReadOnlySpan<byte> name, string label, int? fallback = null)
    {
        long value = api.Attribute(info, name) ?? fallback ?? throw Fault($"attribute '{label}' is missing.");
        return value is >= int.MinValue and <= int.MaxValue
            ? (int)value
            : throw Fault($"attribute '{label}' is {value}, which is out of range.");
    }

    /// <summary>A list of integers, or null where the node has none.</summary>
    /// <param name="name">Its name, zero-terminated.</param>
    public long[]? Attributes(ReadOnlySpan<byte> name) => api.Attributes(info, name);

    /// <summary>Whether an input is there.</summary>
    public bool Has(int slot) => api.HasInput(info, slot);

    /// <summary>A constant input, or null where there is none.</summary>
    public ConstantInput? Constant(int slot, string name)
    {
        if (!Has(slot))
        {
            return null;
        }
        nint value = api.ConstantInput(info, slot);
        if (value == 0)
        {
            throw Fault($"input '{name}' is no constant.");
        }
        (OrtElementType type, long[] dims) = api.Shape(value);
        return new ConstantInput(this, name, type, dims, (byte*)api.Data(value));
    }

    /// <summary>A constant input that must be there.</summary>
    public ConstantInput Required(int slot, string name) => Constant(slot, name) ?? throw Fault($"input '{name}' is missing.");
}

/// <summary>A constant of a node. Its memory belongs to the session and lives as long.</summary>
internal sealed unsafe class ConstantInput(NodeReader reader, string name, OrtElementType type, long[] dims, byte* data)
{
    /// <summary>Its element type.</summary>
    public OrtElementType Type => type;

    /// <summary>Its shape.</summary>
    public long[] Dims => dims;

    /// <summary>Its first byte.</summary>
    public byte* Data => data;

    /// <summary>Refuses other shapes.</summary>
    public ConstantInput Shaped(params long[] expected)
    {
        if (!dims.AsSpan().SequenceEqual(expected))
        {
            throw reader.Fault($"input '{name}' has shape [{string.Join(", ", dims)}], expected [{string.Join(", ", expected)}].");
        }
        return this;
    }

    /// <summary>Refuses other element types.</summary>
    public ConstantInput Typed(params OrtElementType[] expected)
    {
        if (!expected.Contains(type))
        {
            throw reader.Fault($"input '{name}' has element type {type}, expected {string.Join(" or ", expected)}.");
        }
        return this;
    }

    /// <summary>Some of the elements, with a shape of their own; they must exist.</summary>
    public ConstantInput Part(long start, params long[] shape)
    {
        int size =
            type == OrtElementType.Float ? sizeof(float)
            : type == OrtElementType.Float16 ? sizeof(Half)
            : sizeof(byte);
        return new ConstantInput(reader, name, type, shape, data + (nint)(start * size));
    }

    /// <summary>The elements as they are, float32 or float16; NaN and infinity are refused.</summary>
    public FloatArray Floats()
    {
        int count = Count();
        if (Typed(OrtElementType.Float, OrtElementType.Float16).Type == OrtElementType.Float)
        {
            float[] single = new ReadOnlySpan<float>(data, count).ToArray();
            return Array.TrueForAll(single, float.IsFinite) ? new FloatArray(single, null) : throw NotFinite();
        }
        Half[] half = new ReadOnlySpan<Half>(data, count).ToArray();
        return Array.TrueForAll(half, Half.IsFinite) ? new FloatArray(null, half) : throw NotFinite();
    }

    /// <summary>The elements as float32; NaN and infinity are refused.</summary>
    public float[] Singles()
    {
        FloatArray floats = Floats();
        return floats.Single ?? Array.ConvertAll(floats.Half!, h => (float)h);
    }

    /// <summary>The elements as float32, whatever they are.</summary>
    public float[] AnySingles() =>
        type == OrtElementType.Float
            ? new ReadOnlySpan<float>(data, Count()).ToArray()
            : Array.ConvertAll(new ReadOnlySpan<Half>(data, Count()).ToArray(), h => (float)h);

    /// <summary>The elements as bytes.</summary>
    public ReadOnlySpan<byte> Bytes() => new(data, Count());

    /// <summary>That the products of two inputs are no numbers.</summary>
    public NodeException NotFinite() => reader.Fault($"input '{name}' holds NaN or infinity.");

    private int Count() => (int)dims.Aggregate(1L, (a, b) => a * b);
}
